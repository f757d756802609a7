// SPDX-License-Identifier: MIT
// The page allocator's map as it lies in DRAM: one byte per page. The bench reads it to judge accesses.
#pragma once

#include <cstdint>

namespace holdover::host::kernel {

// Low four bits of a map byte.
enum class PageState : std::uint8_t {
  Free = 0,
  Reserved = 1,   // firmware, boot parameters
  Kernel = 2,     // kernel data, page tables, LUO and KHO structures of the running kernel
  Dma = 3,        // memory of user space that devices may be given
  Preserved = 4,  // handed over by the old kernel, not yet restored by anybody
  Scratch = 5,    // KHO scratch: only early allocations
  PageTable = 6,  // IOMMU structures: read by the IOMMU only
};
// Bit 7 of a map byte: the page is the first of an allocation.
inline constexpr std::uint8_t kPageAllocationHead = 0x80;
inline constexpr std::uint8_t kPageStateMask = 0x0f;

}  // namespace holdover::host::kernel
