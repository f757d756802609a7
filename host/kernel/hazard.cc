// SPDX-License-Identifier: MIT
#include "host/kernel/hazard.h"

#include <array>

namespace holdover::host::kernel {
namespace {

constexpr std::array kHazards{
    Hazard{"H006", "A VFIO device's freeze resets the function.",
           [](Policies& policies) { policies.freeze = Freeze::ResetFunction; }},
    Hazard{"H009", "A VFIO device's freeze demands that interrupts are off: events of the whole gap have no message.",
           [](Policies& policies) { policies.interrupts_at_freeze = InterruptsAtFreeze::MustBeOff; }},
    Hazard{"H012", "The pages of the first data buffer are left out of the KHO tree, while the device still owns them.",
           [](Policies& policies) { policies.mistakes.data_buffer_not_preserved = true; }},
    Hazard{"H013-ring", "The pages of a descriptor ring are left out of the KHO tree, so the engine fetches garbage.",
           [](Policies& policies) { policies.mistakes.ring_not_preserved = true; }},
    Hazard{"H013-page-table",
           "One page of the IOMMU page table is left out of the KHO tree, so the IOMMU walks reused memory.",
           [](Policies& policies) { policies.mistakes.page_table_not_preserved = true; }},
    Hazard{"H014", "pci_device_shutdown() clears Bus Master Enable of an outgoing endpoint.",
           [](Policies& policies) { policies.mistakes.endpoint_loses_bus_master = true; }},
    Hazard{"H015", "pci_device_shutdown() clears Bus Master Enable of the outgoing bridges above an endpoint.",
           [](Policies& policies) { policies.mistakes.bridge_loses_bus_master = true; }},
    Hazard{"H025", "intel_iommu_shutdown() switches translation off: IOVAs reach memory as physical addresses.",
           [](Policies& policies) { policies.iommu_at_kexec = IommuAtKexec::TranslationOff; }},
    Hazard{"H032", "init_dmars() finds translation on, switches it off and begins with empty tables.",
           [](Policies& policies) { policies.iommu_at_boot = IommuAtBoot::Reset; }},
    Hazard{"H041",
           "The scan clears the bus numbers of every bridge and hands out new ones, as pci=assign-busses does where "
           "nothing ignores it (H041 and H042).",
           [](Policies& policies) { policies.mistakes.bridges_renumbered = true; }},
    Hazard{"H058", "BAR 0 is sized with all ones and never written back.",
           [](Policies& policies) { policies.mistakes.bar_restore_lost = true; }},
    Hazard{"H073", "pci_msix_init() clears MSI-X Enable of an incoming function.",
           [](Policies& policies) { policies.msix_at_init = MsixAtInit::Disable; }},
    Hazard{"H085", "The IOMMU core attaches an empty default domain to an incoming function.",
           [](Policies& policies) { policies.mistakes.default_domain_replaces = true; }},
    Hazard{"H086", "The claim of DMA ownership blocks an incoming function until its domain is attached again.",
           [](Policies& policies) { policies.dma_claim = DmaClaim::Block; }},
    Hazard{"H110", "vfio-pci puts a function that nobody has opened yet into D3hot, an incoming one too.",
           [](Policies& policies) { policies.idle_power = IdlePower::D3hot; }},
    Hazard{"H111", "vfio_pci_core_enable() clears Bus Master Enable of an incoming function and resets it.",
           [](Policies& policies) {
             policies.bus_master_at_open = BusMasterAtOpen::Clear;
             policies.reset_at_open = ResetAtOpen::Yes;
           }},
    Hazard{"H119", "The new kernel resets an incoming function with a function level reset when its driver binds.",
           [](Policies& policies) { policies.mistakes.function_reset = true; }},
    Hazard{"H121", "The new kernel resets the bus below the first bridge when it scans.",
           [](Policies& policies) { policies.mistakes.secondary_bus_reset = true; }},
    Hazard{"H048",
           "The scan clears and restores Master-Abort Mode in Bridge Control and clears the error bits in Secondary "
           "Status; "
           "every kernel does, and it must not disturb anything.",
           [](Policies&) {}},
    Hazard{
        "H068",
        "The Read Completion Boundary is rewritten with the value it has; every kernel does, and it must not disturb "
        "anything.",
        [](Policies&) {}},
    Hazard{"refused-kexec",
           "The freeze callback of a file behind the device fails, and reboot() returns EINVAL (H008).",
           [](Policies& policies) { policies.mistakes.freeze_fails = true; }},
};

}  // namespace

std::span<const Hazard> hazards() { return kHazards; }

const Hazard* find_hazard(std::string_view name) {
  for (const Hazard& hazard : kHazards) {
    if (hazard.name == name) return &hazard;
  }
  return nullptr;
}

}  // namespace holdover::host::kernel
