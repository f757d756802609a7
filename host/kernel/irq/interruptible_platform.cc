// SPDX-License-Identifier: MIT
#include "host/kernel/irq/interruptible_platform.h"

#include <algorithm>

namespace holdover::host::kernel {
namespace {

// The longest that an interrupt waits for a processor which has nothing else to do.
constexpr Time kInterruptLatency = 1_us;

}  // namespace

std::uint32_t InterruptiblePlatform::config_read(pcie::Bdf function, Bytes offset, unsigned size) {
  const std::uint32_t value = platform_.config_read(function, offset, size);
  interrupts_.poll();
  return value;
}

void InterruptiblePlatform::config_write(pcie::Bdf function, Bytes offset, unsigned size, std::uint32_t value) {
  platform_.config_write(function, offset, size, value);
  interrupts_.poll();
}

std::uint64_t InterruptiblePlatform::mmio_read(BusAddress address, unsigned size) {
  const std::uint64_t value = platform_.mmio_read(address, size);
  interrupts_.poll();
  return value;
}

void InterruptiblePlatform::mmio_write(BusAddress address, unsigned size, std::uint64_t value) {
  platform_.mmio_write(address, size, value);
  interrupts_.poll();
}

void InterruptiblePlatform::wait(Time duration) {
  while (duration > Time{0}) {
    const Time slice = std::min(duration, kInterruptLatency);
    platform_.wait(slice);
    interrupts_.poll();
    duration -= slice;
  }
}

}  // namespace holdover::host::kernel
