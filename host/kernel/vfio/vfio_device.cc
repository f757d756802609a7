// SPDX-License-Identifier: MIT
#include "host/kernel/vfio/vfio_device.h"

#include <cerrno>

#include "host/kernel/drivers/driver.h"
#include "host/kernel/pci/function_reset.h"
#include "host/kernel/pci/path.h"
#include "host/kernel/pci/runtime_power.h"
#include "host/kernel/pci/setup_device.h"
#include "pcie/config_space.h"
#include "pcie/error.h"

namespace holdover::host::kernel {
namespace {

using namespace pcie::config;

constexpr std::uint16_t kVendorIntel = 0x8086;
constexpr std::uint32_t kBaseClassDisplay = 0x03;

// vfio_pci_is_intel_display(): its file has regions of its own.
bool is_intel_display(const PciDevice& device) {
  return device.vendor_id == kVendorIntel && device.class_code >> 16 == kBaseClassDisplay;
}

}  // namespace

VfioDevice::VfioDevice(VfioContext context, PciDevice& device, VfioDoor door)
    : context_(context), device_(device), door_(door), msix_(context.platform, context.interrupts, device) {
  HOLDOVER_CHECK(device_.open == nullptr);
  device_.open = this;
  enable();
}

VfioDevice::VfioDevice(VfioContext context, PciDevice& device, const DeviceState& handed_over)
    : context_(context), device_(device), msix_(context.platform, context.interrupts, device), incoming_(true) {
  HOLDOVER_CHECK(device_.open == nullptr && handed_over.path.function == device_.bdf);
  device_.open = this;
}

void VfioDevice::enable() {
  enabled_ = true;
  resume(context_.platform, context_.policies, device_);
  if (!incoming_ || context_.policies.bus_master_at_open == BusMasterAtOpen::Clear) {
    set_bus_master(device_, false);
    enable_device(device_);
  }
  device_.enabled = true;
  if (!incoming_ || context_.policies.reset_at_open == ResetAtOpen::Yes) (void)reset();
}

int VfioDevice::config_read(unsigned offset, unsigned size, std::uint32_t& value) {
  if (frozen_) return EIO;
  value = device_.config.read(offset, size);
  return 0;
}

int VfioDevice::config_write(unsigned offset, unsigned size, std::uint32_t value) {
  if (frozen_) return EIO;
  device_.config.write(offset, size, value);
  return 0;
}

int VfioDevice::load(unsigned bar, Bytes offset, unsigned size, std::uint64_t& value) {
  if (frozen_) return EIO;
  HOLDOVER_CHECK(bar < device_.bars.size() && offset + Bytes{size} <= device_.bars[bar].size);
  value = context_.platform.mmio_read(device_.bars[bar].address + offset, size);
  return 0;
}

int VfioDevice::write(unsigned bar, Bytes offset, std::uint32_t value) {
  if (frozen_) return EIO;
  HOLDOVER_CHECK(bar < device_.bars.size() && offset + Bytes{4} <= device_.bars[bar].size);
  context_.platform.mmio_write(device_.bars[bar].address + offset, 4, value);
  return 0;
}

Bytes VfioDevice::bar_size(unsigned bar) const {
  return bar < device_.bars.size() && device_.bars[bar].assigned ? device_.bars[bar].size : Bytes{0};
}

int VfioDevice::attach(IommuDomain& domain) {
  if (frozen_) return EIO;
  if (&domain == domain_) return 0;
  if (!context_.dma.claimed(device_.bdf)) {
    if (const int error = context_.dma.claim(device_.bdf, incoming_); error != 0) return error;
  }
  if (!enabled_) enable();
  if (domain_ != nullptr) return EBUSY;
  if (const int error = context_.iommu.attach(device_.bdf, domain); error != 0) return error;
  domain.hold();
  domain_ = &domain;
  return 0;
}

int VfioDevice::enable_bus_master() {
  if (frozen_) return EIO;
  set_bus_master(device_, true);
  return 0;
}

int VfioDevice::enable_interrupts(unsigned count) { return frozen_ ? EIO : msix_.enable(count); }

int VfioDevice::disable_interrupts() {
  if (frozen_) return EIO;
  msix_.disable();
  return 0;
}

std::uint64_t VfioDevice::take_interrupts(unsigned vector) {
  context_.interrupts.poll();
  return vector < msix_.vectors() ? context_.interrupts.take(msix_.vector(vector)) : 0;
}

int VfioDevice::reset() {
  if (frozen_) return EIO;
  const unsigned vectors = msix_.vectors();
  msix_.disable();
  const int error = reset_function(context_.platform, context_.policies, device_);
  if (error == 0 && vectors > 0) return msix_.enable(vectors);
  return error;
}

void VfioDevice::shutdown(bool outgoing) {
  if (context_.policies.msix_at_kexec == MsixAtKexec::Keep || !msix_.enabled()) return;
  if (outgoing && context_.policies.msix_at_kexec == MsixAtKexec::FunctionMask) {
    msix_.mask_function();
  } else {
    msix_.disable();
  }
}

DeviceState VfioDevice::state() const {
  DeviceState state;
  state.path = path_to(device_);
  state.attached = domain_ != nullptr;
  state.domain_id = domain_ != nullptr ? domain_->identifier() : std::uint16_t{0};
  state.interrupt_vectors = msix_.vectors();
  if (device_.driver != nullptr) {
    state.binding.driver = device_.driver->name();
    if (!device_.driver->schemas().empty()) state.binding.schema = device_.driver->schemas().front();
  }
  state.dma_owner = context_.dma.claimed(device_.bdf);
  return state;
}

bool VfioDevice::can_preserve() const {
  const bool plain_driver = device_.driver != nullptr && device_.driver->for_user_space() && !device_.driver->variant();
  return door_ == VfioDoor::Cdev && plain_driver && !is_intel_display(device_);
}

int VfioDevice::freeze() {
  const Policies& policies = context_.policies;
  if (policies.interrupts_at_freeze == InterruptsAtFreeze::MustBeOff && msix_.enabled()) return EINVAL;
  if (policies.power_at_freeze == PowerAtFreeze::MustBeD0 && power_state(device_) != 0) return EINVAL;
  if (policies.freeze == Freeze::KeepRunning) return 0;
  msix_.disable();
  (void)reset_function(context_.platform, policies, device_);
  device_.config.write16(kCommand, kCommandIntxDisable);
  frozen_ = true;
  return 0;
}

void VfioDevice::release() {
  frozen_ = false;
  device_.open = nullptr;
  if (!enabled_) return;
  // vfio_pci_core_disable(): nothing of what user space set up stays.
  set_bus_master(device_, false);
  msix_.disable();
  (void)reset_function(context_.platform, context_.policies, device_);
  if (domain_ != nullptr) {
    (void)context_.iommu.detach(device_.bdf);
    domain_->drop();
    domain_ = nullptr;
  }
  context_.dma.release(device_.bdf);
  if (context_.policies.idle_power == IdlePower::D3hot) suspend(context_.platform, context_.policies, device_);
}

}  // namespace holdover::host::kernel
