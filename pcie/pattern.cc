// SPDX-License-Identifier: MIT
#include "pcie/pattern.h"

namespace holdover::pcie {

void fill_pattern(std::span<std::byte> bytes, std::uint32_t seed, std::uint32_t lap, std::uint64_t offset) {
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = pattern_byte(seed, lap, offset + i);
}

std::size_t first_mismatch(std::span<const std::byte> bytes, std::uint32_t seed, std::uint32_t lap,
                           std::uint64_t offset) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] != pattern_byte(seed, lap, offset + i)) return i;
  }
  return bytes.size();
}

}  // namespace holdover::pcie
