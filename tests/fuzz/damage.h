// SPDX-License-Identifier: MIT
// Damage done to a valid handover: an input is a variant byte and a list of edits of kEditBytes each, so that every
// mutation of the input is a mutation of a field, a chain or a page and not of the way there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "pcie/units.h"

namespace holdover::fuzz {

// Edit: kind, page (an index into the pages that may be damaged), offset (16 bits), value (64 bits), little endian.
inline constexpr std::size_t kEditBytes = 12;
inline constexpr std::size_t kMostEdits = 32;  // what follows is left alone

enum class Edit : std::uint8_t {
  Store64,  // the value at the offset
  Store32,
  Store16,
  Flip,        // one bit of a byte
  PointTo,     // address of the page that the value names: chains that are cyclic or run into each other
  Duplicate,   // 64 bytes of another page
  Truncate,    // 0 from the offset to the end of the page
  Unpreserve,  // the page's bit in the radix tree, where there is one
  Count,
};

// The variant: 0 for an empty input.
[[nodiscard]] unsigned variant_of(std::span<const std::uint8_t> input, unsigned variants);

// What may be damaged, and where the radix tree is whose bits Unpreserve clears (0: none).
struct Damageable {
  std::vector<PhysicalAddress> pages;
  PhysicalAddress radix_root;
};
void damage(std::span<std::byte> dram, const Damageable& what, std::span<const std::uint8_t> input);

}  // namespace holdover::fuzz
