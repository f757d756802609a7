// SPDX-License-Identifier: MIT
// What Kexec Handover leaves in DRAM for the next kernel. A contract between kernel images of different versions:
// whoever changes a layout changes its version string.
//
// The root is one page that holds a flattened device tree (FDT):
//   compatible = «kho-v4»; preserved-memory-map = physical address of the root of a radix tree (u64);
//   one subnode per user with preserved-data = physical address (u64) and blob-size = bytes (u64).
// FDT properties are big endian, as in every FDT; everything else is little endian.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdover::host::kernel::kho_abi {

inline constexpr std::string_view kCompatible = "kho-v4";
inline constexpr const char* kMemoryMapProperty = "preserved-memory-map";
inline constexpr const char* kDataProperty = "preserved-data";
inline constexpr const char* kSizeProperty = "blob-size";

inline constexpr std::uint64_t kPageBytes = 4096;
inline constexpr unsigned kPageShift = 12;
inline constexpr unsigned kMaxOrder = 10;  // largest folio: 2^10 pages

// The radix tree holds one bit per (physical address, order) and no counts. Key of a folio of `order` at `address`:
//   (1 << (kOrder0Bit - order)) + (address >> (12 + order))
// so that the highest set bit tells the order. The low 15 bits of the key select a bit in a leaf page (bit n is bit n %
// 8 of byte n / 8); above them each level takes 9 bits as an index in a page of 512 physical addresses, 0 = nothing
// there.
inline constexpr unsigned kOrder0Bit = 52;
inline constexpr unsigned kLeafBits = 15;
inline constexpr unsigned kNodeBits = 9;
inline constexpr unsigned kNodeLevels = 5;  // inner levels above the leaves: 15 + 5 * 9 bits hold every key
static_assert(kLeafBits + kNodeLevels * kNodeBits > kOrder0Bit);

[[nodiscard]] constexpr std::uint64_t radix_key(std::uint64_t address, unsigned order) {
  return (std::uint64_t{1} << (kOrder0Bit - order)) + (address >> (kPageShift + order));
}

// A serialization block: one page, this header, then `count` entries of fixed size.
struct BlockHeader {
  std::uint64_t next;   // physical address of the next block, 0: last
  std::uint64_t count;  // entries in use, 1..capacity
};
static_assert(sizeof(BlockHeader) == 16 && offsetof(BlockHeader, count) == 8);
inline constexpr std::uint64_t kMaxBlocks = 10'000;
[[nodiscard]] constexpr std::uint64_t block_capacity(std::uint64_t entry_bytes) {
  return (kPageBytes - sizeof(BlockHeader)) / entry_bytes;
}

// A virtually contiguous area: its pages in the order of their virtual addresses, in a chain of one-page chunks.
struct VmallocSer {
  std::uint64_t first;  // physical address of the first chunk
  std::uint32_t total_pages;
  std::uint16_t flags;  // kVmallocAlloc, kVmallocHuge
  std::uint16_t order;  // the area is made of folios of this order
};
static_assert(sizeof(VmallocSer) == 16 && offsetof(VmallocSer, total_pages) == 8 && offsetof(VmallocSer, flags) == 12 &&
              offsetof(VmallocSer, order) == 14);
inline constexpr std::uint16_t kVmallocAlloc = 1;
inline constexpr std::uint16_t kVmallocHuge = 2;
inline constexpr std::size_t kVmallocEntries = 511;
struct VmallocChunk {
  std::uint64_t next;  // physical address of the next chunk, 0: last
  std::uint64_t folios[kVmallocEntries];
};
static_assert(sizeof(VmallocChunk) == kPageBytes && offsetof(VmallocChunk, folios) == 8);

}  // namespace holdover::host::kernel::kho_abi
