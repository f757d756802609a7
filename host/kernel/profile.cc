// SPDX-License-Identifier: MIT
#include "host/kernel/profile.h"

#include <array>

namespace holdover::host::kernel {
namespace {

// PCI core series v9 alone: nobody hands over IOMMU or interrupt state yet.
constexpr Policies pci_v9() {
  Policies policies;
  policies.pending_at_shutdown = PendingAtShutdown::Ignore;
  policies.iommu_at_kexec = IommuAtKexec::TranslationOff;
  policies.iommu_at_boot = IommuAtBoot::Reset;
  policies.msix_at_kexec = MsixAtKexec::Disable;
  policies.msix_at_init = MsixAtInit::Disable;
  return policies;
}

// And VFIO as posted in v5: a device is reset before the kexec.
constexpr Policies pci_v9_vfio_v5() {
  Policies policies = pci_v9();
  policies.freeze = Freeze::ResetFunction;
  return policies;
}

constexpr Policies stock_7_3() {
  Policies policies = pci_v9();
  policies.live_update = false;
  policies.pci = PciSeries::None;
  policies.shutdown_bus_master = ShutdownBusMaster::Clear;
  return policies;
}

constexpr Policies stock_7_2() { return stock_7_3(); }
constexpr Policies stock_6_12() { return stock_7_2(); }
constexpr Policies stock_6_1() { return stock_6_12(); }

constexpr std::array kProfiles{
    Profile{"continuous",
            "PCI core series v9 plus the announced phases: no reset, IOMMU state handed over, interrupts kept pending.",
            Policies{}},
    Profile{"pci-v9+vfio-v5",
            "PCI core series v9 and VFIO as posted in v5: interrupts must be off at freeze, which resets the function.",
            pci_v9_vfio_v5()},
    Profile{
        "pci-v9",
        "PCI core series v9 with a minimal file handler: the function keeps its address and bus mastering, but IOMMU "
        "translation and MSI-X are switched off on the way.",
        pci_v9()},
    Profile{"stock-7.3", "Linux 7.3 without live update of devices: a plain kexec that hands nothing over.",
            stock_7_3()},
    Profile{"stock-7.2", "Linux 7.2: a plain kexec that hands nothing over.", stock_7_2()},
    Profile{"stock-6.12", "Linux 6.12: a plain kexec that hands nothing over.", stock_6_12()},
    Profile{"stock-6.1", "Linux 6.1: a plain kexec that hands nothing over.", stock_6_1()},
};

}  // namespace

std::span<const Profile> profiles() { return kProfiles; }

std::optional<Policies> find_profile(std::string_view name) {
  for (const Profile& profile : kProfiles) {
    if (profile.name == name) return profile.policies;
  }
  return std::nullopt;
}

}  // namespace holdover::host::kernel
