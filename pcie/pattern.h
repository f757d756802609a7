// SPDX-License-Identifier: MIT
// The data that proves continuity: the bytes that the endpoint's generator makes and its checker expects.
//
// The stream is a sequence of 32-bit little-endian words; word i of a stream is a bijection of i, keyed by seed and
// lap, so that a word in the wrong place, of the wrong lap or of another channel shows. rtl/dma/ep_pattern.sv is the
// same function; tests hold the two against each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace holdover::pcie {

// Word `index` (byte offset / 4, modulo 2^32) of the stream with this seed in this lap.
[[nodiscard]] constexpr std::uint32_t pattern_word(std::uint32_t seed, std::uint32_t lap, std::uint32_t index) {
  std::uint32_t x = index * 0x9E3779B1u + (seed ^ (lap * 0x85EBCA77u));
  x ^= x >> 16;
  x ^= x << 5;
  return x;
}

[[nodiscard]] constexpr std::byte pattern_byte(std::uint32_t seed, std::uint32_t lap, std::uint64_t offset) {
  const std::uint32_t word = pattern_word(seed, lap, static_cast<std::uint32_t>(offset >> 2));
  return static_cast<std::byte>(word >> (8 * (offset & 3)));
}

// Fills `bytes` with the stream from byte `offset` on.
void fill_pattern(std::span<std::byte> bytes, std::uint32_t seed, std::uint32_t lap, std::uint64_t offset);

// Index of the first byte that differs from the stream, bytes.size() where none does.
[[nodiscard]] std::size_t first_mismatch(std::span<const std::byte> bytes, std::uint32_t seed, std::uint32_t lap,
                                         std::uint64_t offset);

}  // namespace holdover::pcie
