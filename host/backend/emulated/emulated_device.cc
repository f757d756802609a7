// SPDX-License-Identifier: MIT
#include "host/backend/emulated/emulated_device.h"

#include "host/backend/emulated/emulated_memory.h"
#include "host/backend/emulated/refused.h"
#include "pcie/error.h"

namespace holdover::host {

std::uint32_t EmulatedDevice::config_read(Bytes offset, unsigned size) {
  check_config_access(offset, size);
  std::uint32_t value = 0;
  check_access(file_->config_read(static_cast<unsigned>(offset.count()), size, value), "a configuration read");
  return value;
}

void EmulatedDevice::config_write(Bytes offset, unsigned size, std::uint32_t value) {
  check_config_access(offset, size);
  check_access(file_->config_write(static_cast<unsigned>(offset.count()), size, value), "a configuration write");
}

std::uint64_t EmulatedDevice::load(unsigned bar, Bytes offset, unsigned size) {
  check_bar_access(*this, bar, offset, size);
  std::uint64_t value = 0;
  check_access(file_->load(bar, offset, size, value), "a load from a BAR");
  return value;
}

void EmulatedDevice::write(unsigned bar, Bytes offset, std::uint32_t value) {
  check_bar_access(*this, bar, offset, 4);
  check_access(file_->write(bar, offset, value), "a store to a BAR");
}

void EmulatedDevice::attach(AddressSpace& space) {
  auto* emulated = dynamic_cast<EmulatedAddressSpace*>(&space);
  HOLDOVER_CHECK(emulated != nullptr);
  check_answer(file_->attach(emulated->file()), "to attach " + bdf().to_string() + " to an address space");
}

void EmulatedDevice::enable_interrupts(unsigned count) {
  check_answer(file_->enable_interrupts(count), std::to_string(count) + " interrupt vectors of " + bdf().to_string());
}

void EmulatedDevice::reset() { check_answer(file_->reset(), "a reset of " + bdf().to_string()); }

void EmulatedDevice::enable_bus_master() { check_access(file_->enable_bus_master(), "bus mastering"); }

void EmulatedDevice::disable_interrupts() { check_access(file_->disable_interrupts(), "to switch the interrupts off"); }

// Called for every access: the sentence is made only where it is needed.
void EmulatedDevice::check_access(int error, const char* call) const {
  if (error != 0) check_answer(error, std::string(call) + " of " + bdf().to_string());
}

}  // namespace holdover::host
