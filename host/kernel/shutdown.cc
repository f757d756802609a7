// SPDX-License-Identifier: MIT
// The way of a kernel from reboot(KEXEC), once nothing can be undone any more, to the jump.
#include <algorithm>

#include "host/kernel/kernel.h"
#include "host/kernel/pci/function_reset.h"
#include "host/kernel/pci/setup_device.h"
#include "pcie/error.h"

namespace holdover::host::kernel {

using pcie::Phase;
using pcie::Step;

void Kernel::shut_down() {
  platform_.mark(Phase::Shutdown, Step::Begin, 0);
  shut_devices_down();
  interrupts_->disable();
  if (policies_.iommu_at_kexec == IommuAtKexec::Preserve) {
    iommu_->retain([this](pcie::Bdf function) {
      const IommuDomain* domain = iommu_->find_domain(iommu_->attached(function).value_or(0));
      return live_update_->pci().is_outgoing(function) && domain != nullptr && domain->preserved();
    });
  } else {
    iommu_->disable_translation();
  }
}

// device_shutdown(): children before their parents.
void Kernel::shut_devices_down() {
  std::vector<PciDevice*> order;
  pci_->for_each([&](PciDevice& device) { order.push_back(&device); });
  std::reverse(order.begin(), order.end());
  PciLiveUpdate& live_update = live_update_->pci();
  for (PciDevice* device : order) {
    live_update.freeze(device->bdf);
    const bool outgoing = live_update.is_outgoing(device->bdf);
    if (device->open != nullptr) device->open->shutdown(outgoing);
    const bool mistake =
        device->bridge ? policies_.mistakes.bridge_loses_bus_master : policies_.mistakes.endpoint_loses_bus_master;
    const bool keep = policies_.shutdown_bus_master == ShutdownBusMaster::KeepOutgoing && outgoing && !mistake;
    if (keep) continue;
    set_bus_master(*device, false);
    if (policies_.pending_at_shutdown == PendingAtShutdown::Wait && !device->bridge && device->express != 0) {
      wait_for_pending(*hardware_, *device);
    }
  }
}

PhysicalAddress Kernel::write_next_parameters() {
  BootParameters next = parameters_;
  next.kho_fdt = live_update_->kho().fdt().raw();
  next.page_map = 0;
  if (next_command_line_) {
    next.command_line.fill('\0');
    std::ranges::copy(*next_command_line_, next.command_line.begin());
  }
  const std::optional<PhysicalAddress> where = pages_->allocate(1, PageState::Scratch);
  HOLDOVER_CHECK(where.has_value());
  write_boot_parameters(pages_->dram(), *where, next);
  return *where;
}

}  // namespace holdover::host::kernel
