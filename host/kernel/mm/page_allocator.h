// SPDX-License-Identifier: MIT
// Pages of DRAM. All of its state is the page map in DRAM (mm/page_map.h), so that it dies and is judged with the
// kernel.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "host/kernel/mm/page_map.h"
#include "pcie/units.h"

namespace holdover::host::kernel {

class PageAllocator {
 public:
  // Builds a map for all of `dram` at `map` (page-aligned, in pages marked Reserved by this call); every other page is
  // Free. `dram` outlives the allocator.
  PageAllocator(std::span<std::byte> dram, PhysicalAddress map);

  // `count` physically contiguous zeroed pages aligned to `alignment` pages (a power of two), lowest address first.
  // Nothing where no such range is free. Scratch is used only for PageState::Scratch.
  [[nodiscard]] std::optional<PhysicalAddress> allocate(std::uint64_t count, PageState state,
                                                        std::uint64_t alignment = 1);
  // Frees `count` pages that were allocated or restored together.
  void free(PhysicalAddress first, std::uint64_t count);

  // Takes [first, first + count) out of the free pages with this state, whatever it was.
  void reserve(PhysicalAddress first, std::uint64_t count, PageState state);
  [[nodiscard]] PageState state(PhysicalAddress page) const;
  [[nodiscard]] std::uint64_t free_pages() const;

  // Bytes of a page range that lies in DRAM; contract: it does.
  [[nodiscard]] std::span<std::byte> bytes(PhysicalAddress first, Bytes size);
  [[nodiscard]] std::span<std::byte> dram() { return dram_; }
  [[nodiscard]] PhysicalAddress map() const { return map_; }

 private:
  std::span<std::byte> dram_;
  PhysicalAddress map_;
};

}  // namespace holdover::host::kernel
