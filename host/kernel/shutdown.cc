// SPDX-License-Identifier: MIT
// The way of a kernel from reboot(KEXEC) to the jump.
#include <algorithm>
#include <cerrno>

#include "host/kernel/kernel.h"
#include "host/kernel/pci/function_reset.h"
#include "host/kernel/pci/runtime_power.h"
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
    resume(*hardware_, policies_, *device);
    live_update.freeze(device->bdf);
    const bool outgoing = live_update.is_outgoing(device->bdf);
    if (device->port_driver != nullptr) device->port_driver->shutdown();
    if (device->driver != nullptr && outgoing && policies_.entry_model == EntryModel::Retrieve) {
      device->driver->freeze(*device);
    } else if (device->driver != nullptr) {
      device->driver->shutdown(*device, outgoing);
    }
    const bool mistake =
        device->bridge ? policies_.mistakes.bridge_loses_bus_master : policies_.mistakes.endpoint_loses_bus_master;
    if (policies_.shutdown_bus_master == ShutdownBusMaster::NotOutgoing && outgoing && !mistake) continue;
    if (policies_.shutdown_bus_master == ShutdownBusMaster::DriverBound && !device->power_known) continue;
    set_bus_master(*device, false);
    if (policies_.pending_at_shutdown == PendingAtShutdown::Wait && !device->bridge && device->express != 0) {
      wait_for_pending(*hardware_, *device);
    }
  }
}

int Kernel::load_image(std::string_view command_line, ImageKind kind) {
  if (kexec_lock_) return EBUSY;
  BootParameters next = parameters_;
  if (command_line.size() >= next.command_line.size()) return EINVAL;
  next.command_line.fill('\0');
  std::ranges::copy(command_line, next.command_line.begin());
  next.kho_fdt = kind == ImageKind::Default ? live_update_->kho().fdt().raw() : 0;
  next.page_map = 0;
  if (kind == ImageKind::OnCrash) return load_crash_image(next);
  const std::optional<PhysicalAddress> where = pages_->allocate(1, PageState::Scratch);
  if (!where) return EADDRNOTAVAIL;
  write_boot_parameters(pages_->dram(), *where, next);
  // The image that was loaded before goes only where the new one stands.
  const int error = unload_image();
  HOLDOVER_CHECK(error == 0);
  image_ = Image{*where, kind};
  return 0;
}

int Kernel::unload_image() {
  if (kexec_lock_) return EBUSY;
  if (image_) pages_->free(image_->parameters, 1);
  image_.reset();
  return 0;
}

int Kernel::kexec(PhysicalAddress& next) {
  if (kexec_lock_) return EBUSY;
  if (!image_) return EINVAL;
  kexec_lock_ = true;
  platform_.mark(Phase::Freeze, Step::Begin, 0);
  if (image_->kind == ImageKind::Default) {
    if (const int error = live_update_->luo().freeze(); error != 0) {
      kexec_lock_ = false;
      return error;
    }
  }
  shut_down();
  next = image_->parameters;
  stop();
  platform_.jump(next);
  return 0;
}

int Kernel::load_crash_image(BootParameters next) {
  if (crash_region_pages_ == 0) return EADDRNOTAVAIL;
  next.kho_scratch = 0;
  next.kho_scratch_bytes = 0;
  next.crash_region = crash_region_.raw();
  next.crash_region_bytes = crash_region_pages_ * kPageSize.count();
  write_boot_parameters(pages_->dram(), crash_region_, next);
  crash_image_loaded_ = true;
  return 0;
}

int Kernel::crash(PhysicalAddress& next) {
  if (!crash_image_loaded_) return EINVAL;
  print("Kernel panic: entering the crash kernel");
  next = crash_region_;
  stop();
  platform_.jump(next);
  return 0;
}

}  // namespace holdover::host::kernel
