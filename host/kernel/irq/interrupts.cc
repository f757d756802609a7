// SPDX-License-Identifier: MIT
#include "host/kernel/irq/interrupts.h"

#include <utility>

#include "pcie/error.h"

namespace holdover::host::kernel {
namespace {

constexpr std::uint64_t kControl = 0x000;
constexpr std::uint64_t kControlEnable = 1;
constexpr std::uint64_t kPending = 0x100;  // 256 bits, write 1 clears
constexpr unsigned kFirstVector = 32;      // below are the processor's exceptions

}  // namespace

Interrupts::Interrupts(pcie::Platform& platform, BusAddress controller, BusAddress msi_window)
    : platform_(platform), controller_(controller), msi_window_(msi_window) {}

void Interrupts::enable() {
  for (std::uint64_t word = 0; word < 8; ++word) {
    platform_.mmio_write(controller_ + Bytes{kPending + 4 * word}, 4, 0xffff'ffff);
  }
  platform_.mmio_write(controller_ + Bytes{kControl}, 4, kControlEnable);
  // Posted writes: the read returns when the controller has them.
  (void)platform_.mmio_read(controller_ + Bytes{kControl}, 4);
  enabled_ = true;
}

void Interrupts::disable() {
  enabled_ = false;
  platform_.mmio_write(controller_ + Bytes{kControl}, 4, 0);
  (void)platform_.mmio_read(controller_ + Bytes{kControl}, 4);
}

std::optional<std::uint8_t> Interrupts::allocate_vector() {
  for (unsigned vector = kFirstVector; vector < allocated_.size(); ++vector) {
    if (allocated_[vector]) continue;
    allocated_[vector] = true;
    counts_[vector] = 0;
    return static_cast<std::uint8_t>(vector);
  }
  return std::nullopt;
}

void Interrupts::free_vector(std::uint8_t vector) {
  HOLDOVER_CHECK(allocated_[vector]);
  allocated_[vector] = false;
  handlers_[vector] = nullptr;
}

InterruptMessage Interrupts::message(std::uint8_t vector) const { return {msi_window_.raw(), vector}; }

void Interrupts::poll() {
  if (!enabled_) return;
  while (const std::optional<std::uint8_t> vector = platform_.take_interrupt()) {
    if (allocated_[*vector]) {
      ++counts_[*vector];
      if (handlers_[*vector]) handlers_[*vector]();
    } else {
      ++stray_;
    }
  }
}

std::uint64_t Interrupts::take(std::uint8_t vector) { return std::exchange(counts_[vector], 0); }

}  // namespace holdover::host::kernel
