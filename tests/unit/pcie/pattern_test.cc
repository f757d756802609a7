// SPDX-License-Identifier: MIT
// The pattern must show every kind of misplaced data.
#include "pcie/pattern.h"

#include <gtest/gtest.h>

#include <array>
#include <set>

namespace holdover::pcie {
namespace {

TEST(Pattern, WordsOfOneLapAreDistinct) {
  std::set<std::uint32_t> seen;
  for (std::uint32_t i = 0; i < 65536; ++i) seen.insert(pattern_word(7, 3, i));
  EXPECT_EQ(seen.size(), 65536u);
}

TEST(Pattern, NextLapDiffersInEveryWord) {
  for (std::uint32_t i = 0; i < 4096; ++i) ASSERT_NE(pattern_word(7, 3, i), pattern_word(7, 4, i));
}

TEST(Pattern, FirstMismatchFindsTheByte) {
  std::array<std::byte, 64> bytes{};
  fill_pattern(bytes, 11, 2, 5);
  EXPECT_EQ(first_mismatch(bytes, 11, 2, 5), bytes.size());
  bytes[33] ^= std::byte{1};
  EXPECT_EQ(first_mismatch(bytes, 11, 2, 5), 33u);
}

TEST(Pattern, UnalignedReadsSeeTheSameStream) {
  std::array<std::byte, 64> whole{};
  fill_pattern(whole, 11, 2, 0);
  for (std::uint64_t offset = 0; offset < 32; ++offset) {
    for (std::uint64_t i = 0; i < 16; ++i) ASSERT_EQ(pattern_byte(11, 2, offset + i), whole[offset + i]);
  }
}

}  // namespace
}  // namespace holdover::pcie
