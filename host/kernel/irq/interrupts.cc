// SPDX-License-Identifier: MIT
#include "host/kernel/irq/interrupts.h"

#include <utility>

#include "host/kernel/irq/interrupt_remapping.h"
#include "pcie/error.h"

namespace holdover::host::kernel {
namespace {

constexpr std::uint64_t kControl = 0x000;
constexpr std::uint64_t kControlEnable = 1;
constexpr std::uint64_t kPending = 0x100;      // 256 bits, write 1 clears
constexpr std::uint64_t kRemappable = 1 << 4;  // in a message's address
constexpr unsigned kFirstVector = 32;          // below are the processor's exceptions

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
  if (entries_[vector]) remapping_->free(*std::exchange(entries_[vector], std::nullopt));
}

std::optional<InterruptMessage> Interrupts::message(std::uint8_t vector, pcie::Bdf function) {
  if (remapping_ == nullptr) return InterruptMessage{msi_window_.raw(), vector};
  if (!entries_[vector]) entries_[vector] = remapping_->allocate(function, vector);
  if (!entries_[vector]) return std::nullopt;
  // Handle in bits 19:5 and 2, no sub-handle.
  const std::uint64_t handle = *entries_[vector];
  return InterruptMessage{msi_window_.raw() | kRemappable | (handle & 0x7fff) << 5 | handle >> 15 << 2, 0};
}

void Interrupts::drop_incoming(pcie::Bdf function) {
  if (remapping_ != nullptr) remapping_->drop_incoming(function);
}

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
