// SPDX-License-Identifier: MIT
// The target of interrupt messages: 256 vectors, each pending or not (docs/architecture.md 8.2).
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "sim/witness.h"

namespace holdover::sim {

class InterruptController {
 public:
  static constexpr unsigned kRegisterBytes = 0x1000;
  static constexpr unsigned kControl = 0x000;  // bit 0: enable
  static constexpr unsigned kPending = 0x100;  // 256 bits, write 1 clears

  // 1, 2, 4 or 8 bytes, naturally aligned, below kRegisterBytes. Unknown registers read 0 and ignore writes.
  // Clearing the enable bit leaves pending vectors pending; they are not taken until it is set again.
  [[nodiscard]] std::uint64_t read_register(unsigned offset, unsigned size) const;
  void write_register(unsigned offset, unsigned size, std::uint64_t value);

  // A message for `vector` arrived: Delivered, Coalesced or Discarded.
  MessageOutcome accept(std::uint8_t vector);
  // The highest pending vector, acknowledged: higher vectors have the higher priority, as in a local APIC. Nothing
  // while disabled.
  [[nodiscard]] std::optional<std::uint8_t> take();
  [[nodiscard]] bool any_pending() const;
  [[nodiscard]] bool enabled() const { return enabled_; }

 private:
  [[nodiscard]] std::uint8_t register_byte(unsigned offset) const;

  bool enabled_ = false;
  std::array<std::uint64_t, 4> pending_{};
};

}  // namespace holdover::sim
