// SPDX-License-Identifier: MIT
#include "host/kernel/kho/vmalloc.h"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <set>

#include "host/kernel/kho/dram_value.h"

namespace holdover::host::kernel {
namespace {

using kho_abi::kMaxOrder;
using kho_abi::kPageBytes;
using kho_abi::VmallocChunk;
using kho_abi::VmallocSer;

constexpr std::uint16_t kKnownFlags = kho_abi::kVmallocAlloc | kho_abi::kVmallocHuge;

std::uint64_t pages_of(const VmallocArea& area) { return std::uint64_t{1} << area.order; }

// Calls `piece` with the bytes of each folio that [offset, offset + size) touches, in order.
template <typename Piece>
void for_each_piece(PageAllocator& pages, const VmallocArea& area, std::uint64_t offset, std::uint64_t size,
                    Piece piece) {
  HOLDOVER_CHECK(offset <= area.size().count() && size <= area.size().count() - offset);
  const std::uint64_t folio_bytes = kPageBytes << area.order;
  while (size != 0) {
    const std::uint64_t inside = offset % folio_bytes;
    const std::uint64_t length = std::min(size, folio_bytes - inside);
    piece(pages.bytes(area.folios[offset / folio_bytes] + Bytes{inside}, Bytes{length}));
    offset += length;
    size -= length;
  }
}

}  // namespace

std::optional<VmallocArea> allocate_vmalloc(PageAllocator& pages, Bytes size) {
  VmallocArea area;
  while (area.size() < size) {
    const auto page = pages.allocate(1, PageState::Kernel);
    if (!page) {
      free_vmalloc(pages, area);
      return std::nullopt;
    }
    area.folios.push_back(*page);
  }
  return area;
}

void free_vmalloc(PageAllocator& pages, const VmallocArea& area) {
  for (const PhysicalAddress folio : area.folios) pages.free(folio, pages_of(area));
}

void write_vmalloc(PageAllocator& pages, const VmallocArea& area, std::uint64_t offset,
                   std::span<const std::byte> bytes) {
  for_each_piece(pages, area, offset, bytes.size(), [&](std::span<std::byte> piece) {
    std::copy_n(bytes.begin(), piece.size(), piece.begin());
    bytes = bytes.subspan(piece.size());
  });
}

void read_vmalloc(PageAllocator& pages, const VmallocArea& area, std::uint64_t offset, std::span<std::byte> bytes) {
  for_each_piece(pages, area, offset, bytes.size(), [&](std::span<std::byte> piece) {
    std::copy(piece.begin(), piece.end(), bytes.begin());
    bytes = bytes.subspan(piece.size());
  });
}

int preserve_vmalloc(Kho& kho, const VmallocArea& area, VmallocSer& out) {
  if ((area.flags & ~kKnownFlags) != 0) return EOPNOTSUPP;
  if (area.folios.empty() || area.order > kMaxOrder) return EINVAL;
  if (area.size() / kPageSize > std::numeric_limits<std::uint32_t>::max()) return EINVAL;
  std::vector<PhysicalAddress> chunks;
  std::size_t preserved = 0;
  int error = 0;
  for (; preserved < area.folios.size(); ++preserved) {
    if (preserved % kho_abi::kVmallocEntries == 0) {
      PhysicalAddress chunk;
      error = kho.alloc_preserve(kPageSize, chunk);
      if (error != 0) break;
      chunks.push_back(chunk);
    }
    error = kho.preserve_folio(area.folios[preserved], area.order);
    if (error != 0) break;
  }
  if (error != 0) {
    while (preserved-- > 0) kho.unpreserve_folio(area.folios[preserved], area.order);
    for (const PhysicalAddress chunk : chunks) kho.unpreserve_free(chunk, kPageSize);
    return error;
  }
  for (std::size_t index = 0; index < chunks.size(); ++index) {
    VmallocChunk chunk{};
    if (index + 1 < chunks.size()) chunk.next = chunks[index + 1].raw();
    const std::size_t first = index * kho_abi::kVmallocEntries;
    const std::size_t count = std::min(kho_abi::kVmallocEntries, area.folios.size() - first);
    for (std::size_t entry = 0; entry < count; ++entry) chunk.folios[entry] = area.folios[first + entry].raw();
    store(kho.pages().dram(), chunks[index].raw(), chunk);
  }
  out = VmallocSer{chunks.front().raw(), static_cast<std::uint32_t>(area.size() / kPageSize), area.flags,
                   static_cast<std::uint16_t>(area.order)};
  return 0;
}

void unpreserve_vmalloc(Kho& kho, const VmallocArea& area, const VmallocSer& handed) {
  for (const PhysicalAddress folio : area.folios) kho.unpreserve_folio(folio, area.order);
  const auto chain = decode_vmalloc(kho.pages().dram(), handed);
  HOLDOVER_CHECK(chain.has_value());
  for (const PhysicalAddress chunk : chain->chunks) kho.unpreserve_free(chunk, kPageSize);
}

std::optional<VmallocArea> restore_vmalloc(Kho& kho, const VmallocSer& handed) {
  const auto chain = decode_vmalloc(kho.pages().dram(), handed);
  if (!chain) return std::nullopt;
  const VmallocArea& area = chain->area;
  std::set<PhysicalAddress> seen;
  const auto waits = [&](PhysicalAddress address, unsigned order) {
    return seen.insert(address).second && kho.waiting_order(address) == order;
  };
  if (!std::all_of(chain->chunks.begin(), chain->chunks.end(), [&](PhysicalAddress at) { return waits(at, 0); }) ||
      !std::all_of(area.folios.begin(), area.folios.end(), [&](PhysicalAddress at) { return waits(at, area.order); })) {
    kho.warn("KHO: restore of a virtually contiguous area that is not preserved, or was restored already");
    return std::nullopt;
  }
  for (const PhysicalAddress folio : area.folios) {
    const auto order = kho.restore_folio(folio, PageState::Kernel);
    HOLDOVER_CHECK(order == area.order);
  }
  for (const PhysicalAddress chunk : chain->chunks) kho.restore_free(chunk);
  return area;
}

std::optional<VmallocChain> decode_vmalloc(std::span<const std::byte> dram, const VmallocSer& handed) {
  if ((handed.flags & ~kKnownFlags) != 0 || handed.order > kMaxOrder || handed.total_pages == 0) return std::nullopt;
  if (handed.total_pages > dram.size() / kPageBytes || handed.total_pages % (1u << handed.order) != 0) {
    return std::nullopt;
  }
  const std::uint64_t wanted = handed.total_pages >> handed.order;
  VmallocChain chain;
  chain.area.order = handed.order;
  chain.area.flags = handed.flags;
  const auto is_folio = [&](std::uint64_t address, std::uint64_t bytes) {
    return address % bytes == 0 && in_dram(dram, PhysicalAddress{address}, bytes);
  };
  // The number of folios bounds the walk: a cycle brings more than there can be.
  for (std::uint64_t at = handed.first; at != 0;) {
    if (!is_folio(at, kPageBytes) || chain.area.folios.size() == wanted) return std::nullopt;
    const auto chunk = load<VmallocChunk>(dram, at);
    chain.chunks.emplace_back(at);
    for (std::size_t entry = 0; entry < kho_abi::kVmallocEntries && chain.area.folios.size() < wanted; ++entry) {
      if (!is_folio(chunk.folios[entry], kPageBytes << handed.order)) return std::nullopt;
      chain.area.folios.emplace_back(chunk.folios[entry]);
    }
    at = chunk.next;
  }
  if (chain.area.folios.size() != wanted) return std::nullopt;
  return chain;
}

}  // namespace holdover::host::kernel
