// SPDX-License-Identifier: MIT
// Prefetch of descriptors: how much is read, what is handed out, what a failed read becomes.
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <optional>

#include "tests/rtl/dma_parts_fixture.h"

namespace holdover::rtl_test {
namespace {

class Fetch : public DmaParts {
 protected:
  Fetch() {
    parts->fetch_base_i = 0x1'0000'0000;
    parts->fetch_entries_i = 20;
    parts->fetch_enable_i = 1;
    parts.settle();
  }
  // Takes the read that is offered and answers it; descriptor n says n in its cookie.
  void serve(DmaStatus status = DmaStatus::Ok) {
    ASSERT_TRUE(parts->fetch_valid_o);
    const std::uint64_t first = (parts->fetch_address_o - parts->fetch_base_i) / 32;
    const unsigned count = parts->fetch_bytes_o / 32u;
    const unsigned destination = parts->fetch_destination_o;
    parts->fetch_take_i = 1;
    clocks(1);
    parts->fetch_take_i = 0;
    if (status == DmaStatus::Ok) {
      for (unsigned word = 0; word < 4 * count; ++word) {
        host::DmaDescriptor descriptor{};
        descriptor.cookie = static_cast<std::uint32_t>(first + word / 4);
        std::array<std::uint64_t, 4> words;
        std::memcpy(words.data(), &descriptor, sizeof descriptor);
        parts->fetch_place_i = 1;
        parts->fetch_place_address_i = static_cast<std::uint16_t>((destination + 8 * word) & 511);
        parts->fetch_place_data_i = words[word % 4];
        clocks(1);
      }
      parts->fetch_place_i = 0;
    }
    finish(status);
  }
  void finish(DmaStatus status) {
    parts->fetch_status_i = raw(status);
    parts->fetch_finish_i = 1;
    clocks(1);
    parts->fetch_finish_i = 0;
    parts.settle();
  }
  std::optional<std::uint32_t> next_cookie() {
    if (!parts->descriptor_valid_o) return {};
    host::DmaDescriptor descriptor;
    std::memcpy(&descriptor, &parts->descriptor_o, sizeof descriptor);
    parts->descriptor_take_i = 1;
    clocks(1);
    parts->descriptor_take_i = 0;
    parts.settle();
    return descriptor.cookie;
  }
};

TEST_F(Fetch, ReadsUpToTheDoorbellAndNoFurther) {
  EXPECT_FALSE(parts->fetch_valid_o);
  parts->fetch_tail_i = 3;
  parts.settle();
  EXPECT_EQ(parts->fetch_bytes_o, 3 * 32);
  serve();
  EXPECT_FALSE(parts->fetch_valid_o);
  for (unsigned n = 0; n < 3; ++n) EXPECT_EQ(next_cookie(), n);
  EXPECT_EQ(next_cookie(), std::nullopt);
}

TEST_F(Fetch, EndsAtTheLimitsBoundaryAndAtTheRingsEndAndGoesRound) {
  parts->fetch_base_i = 0x1'0000'0060;  // the fourth place of a 128-byte line
  for (const bool wide : {false, true}) {
    parts->fetch_wide_i = wide;
    parts->fetch_flush_i = 1;
    clocks(1);
    parts->fetch_flush_i = 0;
    parts->fetch_tail_i = 60;
    parts.settle();
    unsigned expected = 0;
    while (expected < 60) {
      if (parts->fetch_valid_o) {
        const unsigned limit = wide ? 256 : 128;
        const std::uint64_t end = parts->fetch_address_o + parts->fetch_bytes_o;
        ASSERT_LE(parts->fetch_address_o % limit + parts->fetch_bytes_o, limit);
        ASSERT_LE(end, parts->fetch_base_i + 20 * 32);
        serve();
      }
      const std::optional<std::uint32_t> cookie = next_cookie();
      ASSERT_TRUE(cookie);
      ASSERT_EQ(*cookie, expected % 20);
      ++expected;
    }
    EXPECT_FALSE(parts->fetch_valid_o);
  }
}

TEST_F(Fetch, KeepsAtMostSixteenInHand) {
  parts->fetch_cyclic_i = 1;
  parts->fetch_wide_i = 1;
  parts.settle();
  unsigned held = 0;
  while (parts->fetch_valid_o) {
    held += parts->fetch_bytes_o / 32u;
    serve();
    ASSERT_LE(held, 16u);
  }
  EXPECT_GT(held, 8u);
  for (unsigned n = 0; n < held; ++n) EXPECT_EQ(next_cookie(), n);
}

TEST_F(Fetch, ACancelledReadIsAskedForAnew) {
  parts->fetch_tail_i = 2;
  parts.settle();
  parts->fetch_take_i = 1;
  clocks(1);
  parts->fetch_take_i = 0;
  parts.settle();
  EXPECT_FALSE(parts->fetch_idle_o);
  parts->fetch_cancel_i = 1;
  clocks(1);
  parts->fetch_cancel_i = 0;
  parts.settle();
  EXPECT_TRUE(parts->fetch_idle_o);
  serve();
  EXPECT_EQ(next_cookie(), 0u);
}

TEST_F(Fetch, AFailedReadIsOneFaultyDescriptorBehindTheGoodOnes) {
  parts->fetch_tail_i = 6;
  parts.settle();
  serve();  // 0 to 3
  serve(DmaStatus::Timeout);
  for (unsigned n = 0; n < 4; ++n) {
    EXPECT_EQ(parts->descriptor_status_o, raw(DmaStatus::Ok));
    EXPECT_EQ(next_cookie(), n);
  }
  ASSERT_TRUE(parts->descriptor_valid_o);
  EXPECT_EQ(parts->descriptor_status_o, raw(DmaStatus::Timeout));
  EXPECT_FALSE(parts->fetch_valid_o) << "nothing is fetched behind the fault";
}

TEST_F(Fetch, AFlushStartsAgainWhereItIsTold) {
  parts->fetch_tail_i = 8;
  parts.settle();
  serve();
  parts->fetch_restart_i = 2;
  parts->fetch_flush_i = 1;
  clocks(1);
  parts->fetch_flush_i = 0;
  parts.settle();
  EXPECT_EQ(next_cookie(), std::nullopt);
  serve();
  EXPECT_EQ(next_cookie(), 2u);
}

}  // namespace
}  // namespace holdover::rtl_test
