// SPDX-License-Identifier: MIT
#include "sim/random.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <vector>

namespace holdover::sim {
namespace {

std::vector<std::uint64_t> draw(Random random, unsigned count) {
  std::vector<std::uint64_t> numbers;
  for (unsigned i = 0; i < count; ++i) numbers.push_back(random.next());
  return numbers;
}

TEST(Random, IsAFunctionOfSeedAndPath) {
  EXPECT_EQ(draw(Random{1, "link"}, 8), draw(Random{1, "link"}, 8));
  EXPECT_NE(draw(Random{1, "link"}, 8), draw(Random{2, "link"}, 8));
  EXPECT_NE(draw(Random{1, "link"}, 8), draw(Random{1, "knil"}, 8));
}

// The numbers are part of what a seed means: a change of them changes every recorded run.
TEST(Random, KeepsItsNumbers) {
  EXPECT_EQ(draw(Random{1, "a"}, 3),
            (std::vector<std::uint64_t>{0xc507'e330'4284'0815, 0x4355'a2b6'1bc0'51a3, 0xb2c9'7b48'8ae0'f97c}));
}

TEST(Random, StaysBelowItsBoundAndReachesEveryNumber) {
  Random random{3, "bound"};
  std::array<unsigned, 7> seen{};
  for (unsigned i = 0; i < 7000; ++i) {
    const std::uint64_t value = random.below(7);
    ASSERT_LT(value, 7u);
    ++seen[value];
  }
  for (const unsigned count : seen) {
    EXPECT_GT(count, 850u);
    EXPECT_LT(count, 1150u);
  }
  EXPECT_EQ(random.below(0), 0u);
  EXPECT_EQ(random.below(1), 0u);
}

TEST(Random, BetweenIncludesBothEnds) {
  Random random{4, "time"};
  bool low = false;
  bool high = false;
  for (unsigned i = 0; i < 200; ++i) {
    const Time time = random.between(Time{10}, Time{13});
    ASSERT_GE(time, Time{10});
    ASSERT_LE(time, Time{13});
    low = low || time == Time{10};
    high = high || time == Time{13};
  }
  EXPECT_TRUE(low && high);
  EXPECT_EQ(random.between(Time{5}, Time{5}), Time{5});
}

}  // namespace
}  // namespace holdover::sim
