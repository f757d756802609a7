// SPDX-License-Identifier: MIT
// The live tree of preserved folios: one bit per (address, order) in DRAM, no counts. Layout: kho/abi.h.
#pragma once

#include <cstdint>
#include <optional>

#include "host/kernel/mm/page_allocator.h"
#include "pcie/units.h"

namespace holdover::host::kernel {

class RadixTree {
 public:
  // Nothing where no page is left for the root. `pages` outlives the tree.
  [[nodiscard]] static std::optional<RadixTree> create(PageAllocator& pages);

  [[nodiscard]] PhysicalAddress root() const { return root_; }
  // False where no page is left for a node; nothing is changed then but nodes that stay empty.
  [[nodiscard]] bool set(PhysicalAddress address, unsigned order);
  // Whether the bit was set.
  bool clear(PhysicalAddress address, unsigned order);
  [[nodiscard]] bool test(PhysicalAddress address, unsigned order) const;

 private:
  RadixTree(PageAllocator& pages, PhysicalAddress root) : pages_(&pages), root_(root) {}
  // Byte of the leaf that holds the key's bit; nothing where the path does not exist (create: where no page is left).
  [[nodiscard]] std::optional<std::size_t> find_byte(std::uint64_t key, bool create) const;

  PageAllocator* pages_;
  PhysicalAddress root_;
};

}  // namespace holdover::host::kernel
