// SPDX-License-Identifier: MIT
// Virtually contiguous areas over a kexec (kho_preserve_vmalloc, kho_restore_vmalloc). Layout: kho/abi.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "host/kernel/kho/abi.h"
#include "host/kernel/kho/kho.h"

namespace holdover::host::kernel {

// Folios in the order of their virtual addresses, each 2^order pages. Owns nothing.
struct VmallocArea {
  std::vector<PhysicalAddress> folios;
  unsigned order = 0;
  std::uint16_t flags = kho_abi::kVmallocAlloc;

  [[nodiscard]] Bytes size() const { return (folios.size() << order) * kPageSize; }
};

// Zeroed single pages for `size` bytes, of PageState::Kernel. Nothing where memory is short.
[[nodiscard]] std::optional<VmallocArea> allocate_vmalloc(PageAllocator& pages, Bytes size);
void free_vmalloc(PageAllocator& pages, const VmallocArea& area);
// Copies between the area and `bytes`. Contract: [offset, offset + bytes.size()) lies in the area.
void write_vmalloc(PageAllocator& pages, const VmallocArea& area, std::uint64_t offset,
                   std::span<const std::byte> bytes);
void read_vmalloc(PageAllocator& pages, const VmallocArea& area, std::uint64_t offset, std::span<std::byte> bytes);

// Outgoing. EOPNOTSUPP: flags of an area that cannot be described; EINVAL: nothing to preserve, or pages that
// Kho::preserve_pages refuses; ENOMEM. All or nothing.
[[nodiscard]] int preserve_vmalloc(Kho& kho, const VmallocArea& area, kho_abi::VmallocSer& out);
void unpreserve_vmalloc(Kho& kho, const VmallocArea& area, const kho_abi::VmallocSer& handed);

// Incoming: takes the area's pages over as PageState::Kernel and frees the chunks. Nothing (and nothing is restored)
// for a chain that is broken, or of which a page was not preserved.
[[nodiscard]] std::optional<VmallocArea> restore_vmalloc(Kho& kho, const kho_abi::VmallocSer& handed);

// What a chain says, without a kernel. Nothing for a cycle, an address outside DRAM, unknown flags, or a number of
// folios that is not what the head says.
struct VmallocChain {
  std::vector<PhysicalAddress> chunks;
  VmallocArea area;
};
[[nodiscard]] std::optional<VmallocChain> decode_vmalloc(std::span<const std::byte> dram,
                                                         const kho_abi::VmallocSer& handed);

}  // namespace holdover::host::kernel
