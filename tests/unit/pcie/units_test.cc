// SPDX-License-Identifier: MIT
// What units may and may not do with each other.
#include "pcie/units.h"

#include <gtest/gtest.h>

#include <concepts>

namespace holdover {
namespace {

template <typename A, typename B>
concept Addable = requires(A a, B b) {
  a + b;
};
template <typename A, typename B>
concept Comparable = requires(A a, B b) {
  a == b;
};

static_assert(Addable<Iova, Bytes>);
static_assert(!Addable<Iova, Iova>);
static_assert(!Addable<Iova, BusAddress>);
static_assert(!Addable<Bytes, Cycles>);
static_assert(!Comparable<Iova, PhysicalAddress>);
static_assert(!std::convertible_to<std::uint64_t, Bytes>);

TEST(Units, AddressArithmeticCountsBytes) {
  const Iova base{0x1000};
  EXPECT_EQ((base + 4_KiB).raw(), 0x2000u);
  EXPECT_EQ((base + 4_KiB) - base, 4_KiB);
}

TEST(Units, TimeLiteralsArePicoseconds) {
  EXPECT_EQ((1_ms).count(), 1'000'000'000u);
  EXPECT_EQ(1_ms / 1_us, 1000u);
  EXPECT_EQ(1500_ns % 1_us, 500_ns);
}

}  // namespace
}  // namespace holdover
