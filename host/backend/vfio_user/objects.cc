// SPDX-License-Identifier: MIT
#include "host/backend/vfio_user/objects.h"

#include <cerrno>
#include <string>

#include "host/backend/refusal.h"
#include "pcie/config_space.h"
#include "pcie/error.h"

namespace holdover::host {

void VfioUserAddressSpace::map(Memory& memory, Bytes offset, Iova iova, Bytes size, bool device_writes) {
  auto* const ours = dynamic_cast<VfioUserMemory*>(&memory);
  HOLDOVER_CHECK(ours != nullptr);
  check_errno(file_->map(iova.raw(), {size.count(), ours->file(), offset.count(), device_writes}), "a mapping");
}

void VfioUserAddressSpace::unmap(Iova iova, Bytes size) {
  check_errno(file_->unmap(iova.raw(), size.count()), "an unmapping");
}

void VfioUserAddressSpace::mark_for_preservation(std::uint64_t token) {
  check_errno(file_->preserved ? EBUSY : 0, "to mark an address space");
  file_->mark = token;
}

std::uint32_t VfioUserDevice::config_read(Bytes offset, unsigned size) {
  check_config_access(offset, size);
  return file_->config_read(static_cast<unsigned>(offset.count()), size);
}

void VfioUserDevice::config_write(Bytes offset, unsigned size, std::uint32_t value) {
  check_config_access(offset, size);
  file_->config_write(static_cast<unsigned>(offset.count()), size, value);
}

std::uint64_t VfioUserDevice::load(unsigned bar, Bytes offset, unsigned size) {
  check_bar_access(*this, bar, offset, size);
  return file_->load(bar, offset.count(), size);
}

void VfioUserDevice::write(unsigned bar, Bytes offset, std::uint32_t value) {
  check_bar_access(*this, bar, offset, sizeof value);
  file_->store(bar, offset.count(), value);
}

void VfioUserDevice::attach(AddressSpace& space) {
  auto* const ours = dynamic_cast<VfioUserAddressSpace*>(&space);
  HOLDOVER_CHECK(ours != nullptr);
  file_->attach(ours->file());
}

void VfioUserDevice::enable_bus_master() { file_->set_command(pcie::config::kCommandBusMaster, true); }

}  // namespace holdover::host
