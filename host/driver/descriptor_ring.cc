// SPDX-License-Identifier: MIT
#include "host/driver/descriptor_ring.h"

#include <cstring>

#include "pcie/error.h"

namespace holdover::host {

DescriptorRing::DescriptorRing(std::span<std::byte> bytes, unsigned entries, std::uint64_t tail)
    : bytes_(bytes), entries_(entries), tail_(tail) {
  HOLDOVER_CHECK(entries > 0 && bytes.size() >= entries * sizeof(DmaDescriptor));
}

bool DescriptorRing::push(const DmaDescriptor& descriptor, std::uint64_t finished) {
  HOLDOVER_CHECK(finished <= tail_);
  if (tail_ - finished >= entries_) {
    return false;
  }
  put(static_cast<unsigned>(tail_ % entries_), descriptor);
  ++tail_;
  return true;
}

void DescriptorRing::put(unsigned slot, const DmaDescriptor& descriptor) {
  HOLDOVER_CHECK(slot < entries_);
  std::memcpy(bytes_.data() + slot * sizeof(DmaDescriptor), &descriptor, sizeof(descriptor));
}

DmaDescriptor DescriptorRing::at(unsigned slot) const {
  HOLDOVER_CHECK(slot < entries_);
  DmaDescriptor descriptor;
  std::memcpy(&descriptor, bytes_.data() + slot * sizeof(DmaDescriptor), sizeof(descriptor));
  return descriptor;
}

CompletionRing::CompletionRing(std::span<const std::byte> bytes, unsigned entries, std::uint64_t taken)
    : bytes_(bytes), entries_(entries), taken_(taken) {
  HOLDOVER_CHECK(entries > 0 && bytes.size() >= entries * sizeof(DmaCompletion));
}

std::optional<DmaCompletion> CompletionRing::take() {
  DmaCompletion record;
  std::memcpy(&record, bytes_.data() + (taken_ % entries_) * sizeof(DmaCompletion), sizeof(record));
  const std::uint32_t phase = (taken_ / entries_) % 2 == 0 ? kCompletionPhase : 0;
  if ((record.status & kCompletionPhase) != phase || record.sequence != static_cast<std::uint32_t>(taken_)) {
    return std::nullopt;
  }
  // A slot that was never written reads as record 0 of an odd lap does; the phase of lap 0 is 1, so it is never taken.
  ++taken_;
  return record;
}

}  // namespace holdover::host
