// SPDX-License-Identifier: MIT
#include "host/kernel/vfio/vfio_device.h"

#include <cerrno>

#include "host/kernel/pci/function_reset.h"
#include "host/kernel/pci/path.h"
#include "host/kernel/pci/setup_device.h"
#include "pcie/config_space.h"
#include "pcie/error.h"

namespace holdover::host::kernel {
namespace {

using namespace pcie::config;

std::uint64_t all_ones(unsigned size) { return ~std::uint64_t{0} >> (64 - 8 * size); }

}  // namespace

VfioDevice::VfioDevice(VfioContext context, PciDevice& device)
    : context_(context), device_(device), msix_(context.platform, context.interrupts, device) {
  HOLDOVER_CHECK(device_.open == nullptr);
  device_.open = this;
  set_bus_master(device_, false);
  enable_device(device_);
  (void)reset();
}

VfioDevice::VfioDevice(VfioContext context, PciDevice& device, const DeviceState& handed_over)
    : context_(context), device_(device), msix_(context.platform, context.interrupts, device) {
  HOLDOVER_CHECK(device_.open == nullptr && handed_over.path.function == device_.bdf);
  device_.open = this;
  device_.enabled = true;
  if (!handed_over.attached) return;
  if (IommuDomain* domain = context_.iommu.find_domain(handed_over.domain_id); domain != nullptr) (void)attach(*domain);
}

std::uint32_t VfioDevice::config_read(unsigned offset, unsigned size) {
  if (frozen_) return static_cast<std::uint32_t>(all_ones(size));
  return device_.config.read(offset, size);
}

void VfioDevice::config_write(unsigned offset, unsigned size, std::uint32_t value) {
  if (!frozen_) device_.config.write(offset, size, value);
}

std::uint64_t VfioDevice::load(unsigned bar, Bytes offset, unsigned size) {
  if (frozen_) return all_ones(size);
  HOLDOVER_CHECK(bar < device_.bars.size() && offset + Bytes{size} <= device_.bars[bar].size);
  return context_.platform.mmio_read(device_.bars[bar].address + offset, size);
}

void VfioDevice::write(unsigned bar, Bytes offset, std::uint32_t value) {
  if (frozen_) return;
  HOLDOVER_CHECK(bar < device_.bars.size() && offset + Bytes{4} <= device_.bars[bar].size);
  context_.platform.mmio_write(device_.bars[bar].address + offset, 4, value);
}

Bytes VfioDevice::bar_size(unsigned bar) const {
  return bar < device_.bars.size() && device_.bars[bar].assigned ? device_.bars[bar].size : Bytes{0};
}

int VfioDevice::attach(IommuDomain& domain) {
  if (frozen_) return EIO;
  if (&domain == domain_) return 0;
  if (domain_ != nullptr) return EBUSY;
  if (const int error = context_.iommu.attach(device_.bdf, domain); error != 0) return error;
  domain.hold();
  domain_ = &domain;
  return 0;
}

void VfioDevice::enable_bus_master() {
  if (!frozen_) set_bus_master(device_, true);
}

int VfioDevice::enable_interrupts(unsigned count) { return frozen_ ? EIO : msix_.enable(count); }

void VfioDevice::disable_interrupts() {
  if (!frozen_) msix_.disable();
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
  if (!msix_.enabled()) return;
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
  return state;
}

void VfioDevice::reset_for_freeze() {
  msix_.disable();
  (void)reset_function(context_.platform, context_.policies, device_);
  device_.config.write16(kCommand, kCommandIntxDisable);
  frozen_ = true;
}

void VfioDevice::release() {
  // vfio_pci_core_disable(): nothing of what user space set up stays.
  frozen_ = false;
  set_bus_master(device_, false);
  msix_.disable();
  (void)reset_function(context_.platform, context_.policies, device_);
  if (domain_ != nullptr) {
    (void)context_.iommu.detach(device_.bdf);
    domain_->drop();
    domain_ = nullptr;
  }
  device_.open = nullptr;
}

}  // namespace holdover::host::kernel
