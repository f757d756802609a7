// SPDX-License-Identifier: MIT
// Typed access to the registers behind one BAR, with the order that driver and device rely on.
#pragma once

#include <atomic>
#include <cstdint>

#include "host/device/device.h"
#include "host/driver/endpoint_regs.h"

namespace holdover::host {

class RegisterBlock {
 public:
  // `device` outlives the block.
  RegisterBlock(Device& device, unsigned bar) : device_(device), bar_(bar) {}

  [[nodiscard]] std::uint32_t read(std::uint32_t offset) const {
    const std::uint32_t value = device_.read(bar_, Bytes{offset});
    // What the device wrote to memory before it answered is read after the answer.
    std::atomic_thread_fence(std::memory_order_acquire);
    return value;
  }
  [[nodiscard]] std::uint32_t read(std::uint32_t offset, regs::Field field) const {
    return field.extract(read(offset));
  }
  // A read-only pair: the low half, read first, latches the high half.
  [[nodiscard]] std::uint64_t read_pair(std::uint32_t low_offset) const {
    const std::uint64_t low = read(low_offset);
    return low | (std::uint64_t{read(low_offset + 4)} << 32);
  }

  void write(std::uint32_t offset, std::uint32_t value) {
    // What the driver wrote to memory is there before the device hears of it.
    std::atomic_thread_fence(std::memory_order_release);
    device_.write(bar_, Bytes{offset}, value);
  }
  void write_pair(std::uint32_t low_offset, std::uint64_t value) {
    write(low_offset, static_cast<std::uint32_t>(value));
    write(low_offset + 4, static_cast<std::uint32_t>(value >> 32));
  }

 private:
  Device& device_;
  unsigned bar_;
};

}  // namespace holdover::host
