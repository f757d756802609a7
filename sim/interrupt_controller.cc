// SPDX-License-Identifier: MIT
#include "sim/interrupt_controller.h"

#include <bit>

#include "pcie/error.h"

namespace holdover::sim {
namespace {

constexpr unsigned kPendingBytes = 32;

bool in_pending(unsigned offset) {
  return offset >= InterruptController::kPending && offset < InterruptController::kPending + kPendingBytes;
}

bool is_natural(unsigned offset, unsigned size) {
  return (size == 1 || size == 2 || size == 4 || size == 8) && offset % size == 0 &&
         offset + size <= InterruptController::kRegisterBytes;
}

}  // namespace

std::uint8_t InterruptController::register_byte(unsigned offset) const {
  if (offset == kControl) return enabled_ ? 1 : 0;
  if (!in_pending(offset)) return 0;
  const unsigned byte = offset - kPending;
  return static_cast<std::uint8_t>(pending_[byte / 8] >> (8 * (byte % 8)));
}

std::uint64_t InterruptController::read_register(unsigned offset, unsigned size) const {
  HOLDOVER_CHECK(is_natural(offset, size));
  std::uint64_t value = 0;
  for (unsigned i = 0; i < size; ++i) value |= std::uint64_t{register_byte(offset + i)} << (8 * i);
  return value;
}

void InterruptController::write_register(unsigned offset, unsigned size, std::uint64_t value) {
  HOLDOVER_CHECK(is_natural(offset, size));
  for (unsigned i = 0; i < size; ++i) {
    const std::uint64_t byte = (value >> (8 * i)) & 0xff;
    if (offset + i == kControl) enabled_ = (byte & 1) != 0;
    if (!in_pending(offset + i)) continue;
    const unsigned index = offset + i - kPending;
    pending_[index / 8] &= ~(byte << (8 * (index % 8)));
  }
}

MessageOutcome InterruptController::accept(std::uint8_t vector) {
  if (!enabled_) return MessageOutcome::Discarded;
  std::uint64_t& word = pending_[vector / 64];
  const std::uint64_t bit = std::uint64_t{1} << (vector % 64);
  if ((word & bit) != 0) return MessageOutcome::Coalesced;
  word |= bit;
  return MessageOutcome::Delivered;
}

std::optional<std::uint8_t> InterruptController::take() {
  if (!enabled_) return std::nullopt;
  for (unsigned i = 4; i-- > 0;) {
    if (pending_[i] == 0) continue;
    const std::uint64_t highest = std::bit_floor(pending_[i]);
    pending_[i] &= ~highest;
    return static_cast<std::uint8_t>(i * 64 + static_cast<unsigned>(std::countr_zero(highest)));
  }
  return std::nullopt;
}

bool InterruptController::any_pending() const {
  return enabled_ && (pending_[0] | pending_[1] | pending_[2] | pending_[3]) != 0;
}

}  // namespace holdover::sim
