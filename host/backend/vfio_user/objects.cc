// SPDX-License-Identifier: MIT
#include "host/backend/vfio_user/objects.h"

#include <cerrno>
#include <string>

#include "host/backend/linux/refusal.h"
#include "pcie/config_space.h"
#include "pcie/error.h"

namespace holdover::host {
namespace {

void check(int error, const std::string& call) {
  if (error != 0) refuse(error, call);
}

}  // namespace

void VfioUserAddressSpace::map(Memory& memory, Bytes offset, Iova iova, Bytes size, bool device_writes) {
  auto* const ours = dynamic_cast<VfioUserMemory*>(&memory);
  HOLDOVER_CHECK(ours != nullptr);
  check(file_->map(iova.raw(), {size.count(), ours->file(), offset.count(), device_writes}), "a mapping");
}

void VfioUserAddressSpace::unmap(Iova iova, Bytes size) {
  check(file_->unmap(iova.raw(), size.count()), "an unmapping");
}

void VfioUserAddressSpace::mark_for_preservation(std::uint64_t token) {
  check(file_->preserved ? EBUSY : 0, "to mark an address space");
  file_->mark = token;
}

void VfioUserDevice::check_config(Bytes offset, unsigned size) const {
  const bool width = size == 1 || size == 2 || size == 4;
  if (width && offset.count() % size == 0 && offset.count() + size <= pcie::config::kSpaceBytes) return;
  throw Error(ErrorCode::InvalidArgument, "Configuration space of " + bdf().to_string() + " has no register of " +
                                              std::to_string(size) + " bytes at offset " +
                                              std::to_string(offset.count()) + ".");
}

void VfioUserDevice::check_bar(unsigned bar, Bytes offset, unsigned size) const {
  const Bytes all = bar_size(bar);
  const bool width = size == 1 || size == 2 || size == 4 || size == 8;
  if (width && offset.count() % size == 0 && all >= Bytes{size} && offset <= all - Bytes{size}) return;
  throw Error(ErrorCode::InvalidArgument, "BAR " + std::to_string(bar) + " of " + bdf().to_string() +
                                              " cannot be accessed with " + std::to_string(size) + " bytes at offset " +
                                              std::to_string(offset.count()) + "; its size is " +
                                              std::to_string(all.count()) + " bytes.");
}

std::uint32_t VfioUserDevice::config_read(Bytes offset, unsigned size) {
  check_config(offset, size);
  return file_->config_read(static_cast<unsigned>(offset.count()), size);
}

void VfioUserDevice::config_write(Bytes offset, unsigned size, std::uint32_t value) {
  check_config(offset, size);
  file_->config_write(static_cast<unsigned>(offset.count()), size, value);
}

std::uint64_t VfioUserDevice::load(unsigned bar, Bytes offset, unsigned size) {
  check_bar(bar, offset, size);
  return file_->load(bar, offset.count(), size);
}

void VfioUserDevice::write(unsigned bar, Bytes offset, std::uint32_t value) {
  check_bar(bar, offset, sizeof value);
  file_->store(bar, offset.count(), value);
}

void VfioUserDevice::attach(AddressSpace& space) {
  auto* const ours = dynamic_cast<VfioUserAddressSpace*>(&space);
  HOLDOVER_CHECK(ours != nullptr);
  file_->attach(ours->file());
}

void VfioUserDevice::enable_bus_master() { file_->set_command(pcie::config::kCommandBusMaster, true); }

}  // namespace holdover::host
