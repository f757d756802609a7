// SPDX-License-Identifier: MIT
// How a trace file is laid out; docs/trace.md explains it.
//
// All numbers little-endian. Header, 32 bytes:
//   0 magic «HOLDTLP\0»   8 version u32   12 reserved u32 (0)   16 configuration hash u64   24 seed u64
// then records, each 32 bytes and its payload:
//   0 time in ps u64   8 endpoint u8   9 direction u8 (0 rx, 1 tx)   10 reserved u16 (0)   12 payload bytes u32
//   16 TLP header, four u32 double words as numbers (pcie::TlpHeader)   32 payload
// then, from version 2 on, the index: a record with direction 255, whose payload is pairs of u64, the time of a record
// and its offset in the file, ascending in both. The last 32 bytes are
//   0 offset of the index record u64   8 pairs u64   16 records u64   24 magic «HOLDIDX\0»
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace holdover::sim::trace_format {

inline constexpr std::uint32_t kVersion = 2;
inline constexpr std::array<char, 8> kMagic = {'H', 'O', 'L', 'D', 'T', 'L', 'P', '\0'};
inline constexpr std::array<char, 8> kIndexMagic = {'H', 'O', 'L', 'D', 'I', 'D', 'X', '\0'};
inline constexpr std::size_t kHeaderBytes = 32;
inline constexpr std::size_t kRecordBytes = 32;
inline constexpr std::size_t kFooterBytes = 32;
inline constexpr std::uint32_t kMostPayload = 4096;
inline constexpr std::byte kIndexDirection{255};
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
