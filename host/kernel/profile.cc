// SPDX-License-Identifier: MIT
#include "host/kernel/profile.h"

#include <array>

namespace holdover::host::kernel {
namespace {

// One version of the PCI core series alone: nobody hands over IOMMU or interrupt state.
constexpr Policies pci_series_alone(PciSeries series) {
  Policies policies;
  policies.pci = series;
  policies.pci_rules = rules_of(series);
  policies.pending_at_shutdown = PendingAtShutdown::Ignore;
  policies.iommu_part = IommuPart::None;
  policies.iommu_at_kexec = IommuAtKexec::TranslationOff;
  policies.iommu_at_boot = IommuAtBoot::Reset;
  policies.dma_claim = DmaClaim::Block;
  policies.remapping_at_boot = RemappingAtBoot::Replace;
  policies.msix_at_kexec = MsixAtKexec::Keep;
  policies.msix_at_init = MsixAtInit::Disable;
  return policies;
}

constexpr Policies pci_v9() { return pci_series_alone(PciSeries::V9); }

// Bus mastering at kexec became part of the series with v4.
constexpr Policies pci_v3() {
  Policies policies = pci_series_alone(PciSeries::V3);
  policies.shutdown_bus_master = ShutdownBusMaster::All;
  return policies;
}

// vfio-pci as it is without live update: an idle function sleeps, and every open begins with a reset.
constexpr void use_stock_vfio(Policies& policies) {
  policies.idle_power = IdlePower::D3hot;
  policies.bus_master_at_open = BusMasterAtOpen::Clear;
  policies.reset_at_open = ResetAtOpen::Yes;
}

// And VFIO as posted in v5: a device is reset before the kexec, and again when it is taken up after it.
constexpr Policies pci_v9_vfio_v5() {
  Policies policies = pci_v9();
  policies.interrupts_at_freeze = InterruptsAtFreeze::MustBeOff;
  policies.power_at_freeze = PowerAtFreeze::MustBeD0;
  policies.freeze = Freeze::ResetFunction;
  use_stock_vfio(policies);
  return policies;
}

constexpr Policies stock_7_3() {
  Policies policies = pci_series_alone(PciSeries::None);
  policies.live_update = false;
  policies.shutdown_bus_master = ShutdownBusMaster::All;
  policies.default_domain = DefaultDomain::Dma;
  use_stock_vfio(policies);
  return policies;
}

constexpr Policies stock_7_2() {
  Policies policies = stock_7_3();
  policies.advisory_errors = AdvisoryErrors::Masked;
  return policies;
}

constexpr Policies stock_6_12() {
  Policies policies = stock_7_2();
  policies.shutdown_bus_master = ShutdownBusMaster::DriverBound;
  policies.power_at_init = PowerAtInit::Unknown;
  policies.bar_sizing = BarSizing::PerRegister;
  policies.acs_control = AcsControl::Init;
  policies.aspm_at_init = AspmAtInit::Keep;
  policies.aer_start = AerStart::Port;
  policies.bandwidth_control = BandwidthControl::None;
  return policies;
}

constexpr Policies stock_6_1() {
  Policies policies = stock_6_12();
  policies.retry_visibility = RetryVisibility::BridgeScan;
  policies.secondary_status = SecondaryStatus::Keep;
  policies.retrain_status = RetrainStatus::Keep;
  policies.dpc_start = DpcStart::KeepStatus;
  return policies;
}

constexpr std::array kProfiles{
    Profile{"continuous",
            "PCI core series v9 plus the announced phases: no reset, IOMMU state handed over, interrupts kept pending.",
            Policies{}},
    Profile{"pci-v9+vfio-v5",
            "PCI core series v9 and VFIO as posted in v5: interrupts must be off at freeze, which resets the function; "
            "so does the first open after it.",
            pci_v9_vfio_v5()},
    Profile{"pci-v9",
            "PCI core series v9 with a minimal file handler: the function keeps its address and bus mastering, but no "
            "address space is handed over, and IOMMU translation and MSI-X are switched off on the way.",
            pci_v9()},
    Profile{"pci-v8",
            "As pci-v9, with the series at v8: bus numbers are kept until the last function is finished, and no bridge "
            "gets new ones until then.",
            pci_series_alone(PciSeries::V8)},
    Profile{"pci-v7",
            "The series at v7: a table of blocks without a version; a function that is never finished leaks it.",
            pci_series_alone(PciSeries::V7)},
    Profile{"pci-v6", "The series at v6: a table of fixed size; where it cannot be read, the boot is an ordinary one.",
            pci_series_alone(PciSeries::V6)},
    Profile{"pci-v5",
            "The series at v5: duplicates in the table go unnoticed, bus numbers are kept while a table is there.",
            pci_series_alone(PciSeries::V5)},
    Profile{"pci-v4", "The series at v4: singleton IOMMU groups only; a reset loses the ACS controls that were kept.",
            pci_series_alone(PciSeries::V4)},
    Profile{"pci-v3",
            "The series at v3: functions without the bridges above them; bus mastering falls at shutdown, ACS and ARI "
            "are programmed anew.",
            pci_v3()},
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
