// SPDX-License-Identifier: MIT
// How a trace file is laid out; docs/trace.md explains it.
//
// All numbers little-endian. Header, 32 bytes:
//   0 magic «HOLDTLP\0»   8 version u32   12 reserved u32 (0)   16 configuration hash u64   24 seed u64
// then records, each 32 bytes and its payload:
//   0 time in ps u64   8 endpoint u8   9 direction u8 (0 rx, 1 tx)   10 reserved u16 (0)   12 payload bytes u32
//   16 TLP header, four u32 double words as numbers (pcie::TlpHeader)   32 payload
// A record of memory (from version 3 on, where they were asked for) has one of these kinds instead of a direction:
//   2 a memory request took effect: it was carried out in DRAM now; endpoint and header are the request's, no payload
//   3 a processor stored: address in the first two words, low word first; payload: bytes of DRAM as they are since
//   4 a processor wrote a register of the IOMMU: address likewise; payload: the bytes written
//   5 a page of DRAM was filled: address likewise, the 64-bit word that fills it in the other two words
// then, from version 2 on, the index: a record with direction 255, whose payload is pairs of u64, the time of a record
// and its offset in the file, ascending in both. The last 32 bytes are
//   0 offset of the index record u64   8 pairs u64   16 records u64   24 magic «HOLDIDX\0»
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace holdover::sim::trace_format {

inline constexpr std::uint32_t kVersion = 3;
inline constexpr std::array<char, 8> kMagic = {'H', 'O', 'L', 'D', 'T', 'L', 'P', '\0'};
inline constexpr std::array<char, 8> kIndexMagic = {'H', 'O', 'L', 'D', 'I', 'D', 'X', '\0'};
inline constexpr std::size_t kHeaderBytes = 32;
inline constexpr std::size_t kRecordBytes = 32;
inline constexpr std::size_t kFooterBytes = 32;
inline constexpr std::uint32_t kMostPayload = 4096;
enum class RecordKind : std::uint8_t { Rx = 0, Tx = 1, Effect = 2, Store = 3, Register = 4, Fill = 5, Index = 255 };
// A pair of the index for so many bytes of records.
inline constexpr std::uint64_t kIndexStride = 64 * 1024;

template <typename Integer>
void put(std::byte* target, Integer value) {
  for (std::size_t i = 0; i < sizeof value; ++i) target[i] = static_cast<std::byte>(value >> (8 * i));
}

template <typename Integer>
[[nodiscard]] Integer take(const std::byte* source) {
  Integer value = 0;
  for (std::size_t i = 0; i < sizeof value; ++i) {
    value = static_cast<Integer>(value | (static_cast<Integer>(source[i]) << (8 * i)));
  }
  return value;
}

}  // namespace holdover::sim::trace_format
