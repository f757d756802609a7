// SPDX-License-Identifier: MIT
// What the targets share that let one kernel hand over to the next in one memory.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "host/kernel/kho/decode.h"
#include "host/kernel/kho/kho.h"
#include "tests/fuzz/damage.h"
#include "tests/unit/host/successive_kernels.h"

namespace holdover::fuzz {

// The smallest in which a handover of these targets fits beside the scratch of testing::Memory.
inline constexpr std::uint64_t kSmallDram = 1 << 20;

// Single pages that the tree at `fdt` preserves, the tree's own pages, and its root.
[[nodiscard]] Damageable damageable(std::span<const std::byte> dram, PhysicalAddress fdt);

// The page map and KHO tell the same of every folio that was handed over: in the map it is Preserved exactly as long as
// KHO waits for somebody to restore it.
void require_books(host::kernel::PageAllocator& pages, const host::kernel::Kho& kho);

// A kernel with nothing but memory and KHO.
struct SmallKernel {
  explicit SmallKernel(host::kernel::testing::Memory& memory)
      : pages(memory.begin_kernel()),
        kho(*pages, memory.parameters(), true, [this](std::string_view line) { console.emplace_back(line); }) {}

  std::vector<std::string> console;
  std::unique_ptr<host::kernel::PageAllocator> pages;
  host::kernel::Kho kho;
};

}  // namespace holdover::fuzz
