// SPDX-License-Identifier: MIT
// The two rings of a channel as the driver sees them: descriptors that it makes ready, completion records that it
// takes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "host/driver/dma_abi.h"

namespace holdover::host {

// Producer side. Counts run freely; count n lies in slot n modulo the number of entries.
class DescriptorRing {
 public:
  // `bytes` holds at least `entries` descriptors and outlives the ring; `tail` descriptors have been made ready before.
  DescriptorRing(std::span<std::byte> bytes, unsigned entries, std::uint64_t tail = 0);

  // Writes the next descriptor. False, and nothing written, where `finished` leaves no free slot.
  [[nodiscard]] bool push(const DmaDescriptor& descriptor, std::uint64_t finished);
  // Writes one slot, for rings that run in cyclic mode.
  void put(unsigned slot, const DmaDescriptor& descriptor);
  [[nodiscard]] DmaDescriptor at(unsigned slot) const;

  [[nodiscard]] std::uint64_t tail() const { return tail_; }
  [[nodiscard]] unsigned entries() const { return entries_; }

 private:
  std::span<std::byte> bytes_;
  unsigned entries_;
  std::uint64_t tail_;
};

// Consumer side.
class CompletionRing {
 public:
  // As DescriptorRing; `taken` records have been taken before.
  CompletionRing(std::span<const std::byte> bytes, unsigned entries, std::uint64_t taken = 0);

  // The next record in order, nothing where the device has not written it yet.
  [[nodiscard]] std::optional<DmaCompletion> take();
  [[nodiscard]] std::uint64_t taken() const { return taken_; }

 private:
  std::span<const std::byte> bytes_;
  unsigned entries_;
  std::uint64_t taken_;
};

}  // namespace holdover::host
