// SPDX-License-Identifier: MIT
#include "tests/fuzz/damage.h"

#include <algorithm>
#include <cstring>

#include "host/kernel/kho/abi.h"
#include "host/kernel/kho/dram_value.h"

namespace holdover::fuzz {
namespace {

using host::kernel::in_dram;
using host::kernel::load;
using host::kernel::store;
namespace abi = host::kernel::kho_abi;

constexpr std::uint64_t kPage = kPageSize.count();
constexpr std::uint64_t kCopied = 64;

// Clears the bit of the single page, however damaged the tree is already.
void unpreserve(std::span<std::byte> dram, PhysicalAddress root, PhysicalAddress page) {
  const std::uint64_t key = abi::radix_key(page.raw(), 0);
  std::uint64_t node = root.raw();
  for (unsigned level = abi::kNodeLevels; level > 0; --level) {
    if (!in_dram(dram, PhysicalAddress{node}, kPage)) return;
    const unsigned shift = abi::kLeafBits + (level - 1) * abi::kNodeBits;
    node = load<std::uint64_t>(dram, node + 8 * ((key >> shift) & ((1u << abi::kNodeBits) - 1)));
  }
  if (!in_dram(dram, PhysicalAddress{node}, kPage)) return;
  const std::uint64_t bit = key & ((1u << abi::kLeafBits) - 1);
  const std::uint64_t at = node + bit / 8;
  store(dram, at, static_cast<std::uint8_t>(load<std::uint8_t>(dram, at) & ~(1u << bit % 8)));
}

void apply(std::span<std::byte> dram, const Damageable& what, std::span<const std::uint8_t> edit) {
  std::uint16_t offset = 0;
  std::uint64_t value = 0;
  std::memcpy(&offset, edit.data() + 2, sizeof offset);
  std::memcpy(&value, edit.data() + 4, sizeof value);
  const std::uint64_t page = what.pages[edit[1] % what.pages.size()].raw();
  const PhysicalAddress other = what.pages[value % what.pages.size()];
  const std::uint64_t at = page + std::min<std::uint64_t>(offset % kPage, kPage - sizeof value);
  switch (static_cast<Edit>(edit[0] % static_cast<unsigned>(Edit::Count))) {
    case Edit::Store64:
      return store(dram, at, value);
    case Edit::Store32:
      return store(dram, at, static_cast<std::uint32_t>(value));
    case Edit::Store16:
      return store(dram, at, static_cast<std::uint16_t>(value));
    case Edit::Flip:
      return store(dram, at, static_cast<std::uint8_t>(load<std::uint8_t>(dram, at) ^ 1u << value % 8));
    case Edit::PointTo:
      return store(dram, at & ~std::uint64_t{7}, other.raw());
    case Edit::Duplicate: {
      const std::uint64_t to = page + std::min<std::uint64_t>(offset % kPage, kPage - kCopied);
      const std::uint64_t from = other.raw() + (value >> 16) % (kPage - kCopied + 1);
      std::memmove(dram.data() + to, dram.data() + from, kCopied);
      return;
    }
    case Edit::Truncate:
      std::memset(dram.data() + page + offset % kPage, 0, kPage - offset % kPage);
      return;
    case Edit::Unpreserve:
      if (what.radix_root.raw() != 0) unpreserve(dram, what.radix_root, PhysicalAddress{page});
      return;
    case Edit::Count:
      return;
  }
}

}  // namespace

unsigned variant_of(std::span<const std::uint8_t> input, unsigned variants) {
  return input.empty() ? 0 : input[0] % variants;
}

void damage(std::span<std::byte> dram, const Damageable& what, std::span<const std::uint8_t> input) {
  if (what.pages.empty()) return;
  for (std::size_t edit = 0; edit < kMostEdits && 1 + (edit + 1) * kEditBytes <= input.size(); ++edit) {
    apply(dram, what, input.subspan(1 + edit * kEditBytes, kEditBytes));
  }
}

}  // namespace holdover::fuzz
