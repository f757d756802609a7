// SPDX-License-Identifier: MIT
// Tags of reads: unique, as many as allowed, and never for more than the completion buffer holds.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <set>
#include <vector>

#include "tests/rtl/parts_fixture.h"

namespace holdover::rtl_test {
namespace {

class Tags : public Parts {
 protected:
  unsigned take(unsigned bytes) {
    for (int n = 0; n < 10 && !parts->tags_valid_o; ++n) parts.edge();
    EXPECT_TRUE(parts->tags_valid_o);
    const unsigned tag = parts->tags_tag_o;
    parts->tags_bytes_i = static_cast<std::uint16_t>(bytes);
    parts->tags_take_i = 1;
    edge();
    parts->tags_take_i = 0;
    parts.settle();
    return tag;
  }
  bool offered() {
    for (int n = 0; n < 5; ++n) edge();
    return parts->tags_valid_o != 0;
  }
  void complete(unsigned tag, unsigned remaining) {
    parts->tags_lookup_i = static_cast<std::uint8_t>(tag);
    parts->tags_update_i = 1;
    parts->tags_update_remaining_i = static_cast<std::uint16_t>(remaining);
    parts->tags_update_last_i = remaining == 0;
    edge();
    parts->tags_update_i = 0;
    parts.settle();
  }
  void edge() {
    parts->tags_now_i = ++now_;
    parts.edge();
    parts.settle();
    timeouts_ += parts->tags_timeout_o;
  }
  bool busy(unsigned tag) {
    parts->tags_lookup_i = static_cast<std::uint8_t>(tag);
    parts.settle();
    return parts->tags_busy_o != 0;
  }

  std::uint32_t now_ = 0xffff'f000;  // wraps during the test
  unsigned timeouts_ = 0;
};

TEST_F(Tags, AreUniqueAndThirtyTwoWithoutExtendedTags) {
  std::set<unsigned> tags;
  for (int n = 0; n < 32; ++n) tags.insert(take(64));
  EXPECT_EQ(tags.size(), 32u);
  EXPECT_LT(*tags.rbegin(), 32u);
  EXPECT_FALSE(offered());
  complete(17, 0);
  EXPECT_EQ(take(64), 17u);
}

TEST_F(Tags, Are256WithExtendedTagsAndComeBackInAnyOrder) {
  parts->tags_extended_i = 1;
  for (int round = 0; round < 3; ++round) {
    std::vector<unsigned> tags(256);
    for (unsigned& tag : tags) tag = take(16);
    std::set<unsigned> unique(tags.begin(), tags.end());
    EXPECT_EQ(unique.size(), 256u);
    EXPECT_FALSE(offered());
    while (!tags.empty()) {
      const std::size_t index = draw.below(static_cast<unsigned>(tags.size()));
      EXPECT_TRUE(busy(tags[index]));
      complete(tags[index], 0);
      EXPECT_FALSE(busy(tags[index]));
      tags.erase(tags.begin() + static_cast<std::ptrdiff_t>(index));
    }
    EXPECT_FALSE(parts->tags_pending_o);
  }
}

TEST_F(Tags, RememberHowMuchIsStillToCome) {
  const unsigned tag = take(300);
  EXPECT_TRUE(busy(tag));
  EXPECT_EQ(parts->tags_remaining_o, 300u);
  complete(tag, 172);
  EXPECT_TRUE(busy(tag));
  EXPECT_EQ(parts->tags_remaining_o, 172u);
}

TEST_F(Tags, StopWhenTheCompletionBufferCouldOverflow) {
  parts->tags_extended_i = 1;
  unsigned taken = 0;
  while (offered()) {
    take(512);
    ++taken;
  }
  // A buffer of 16-byte units: completions of a read with unaligned ends take up to two units more.
  EXPECT_LE(taken * (512 + 2 * 16), 32768u);
  EXPECT_GE(taken * 512, 29000u);
  complete(0, 0);
  EXPECT_TRUE(offered());
}

TEST_F(Tags, OfATimedOutReadComesBackAfterASecondPeriodOnly) {
  parts->tags_timeout_i = 2000;
  std::vector<unsigned> tags(32);
  for (unsigned& tag : tags) tag = take(64);
  for (unsigned tag : tags) {
    if (tag != 5) complete(tag, 0);
  }
  const std::uint32_t start = now_;
  while (timeouts_ == 0 && now_ - start < 5000) edge();
  EXPECT_GE(now_ - start, 1900u);
  EXPECT_LE(now_ - start, 2300u);
  edge();  // what was found takes effect
  EXPECT_FALSE(busy(5));
  EXPECT_TRUE(parts->tags_quarantine_o);
  EXPECT_FALSE(parts->tags_pending_o);
  // All the others go round meanwhile.
  while (now_ - start < 3900) {
    const unsigned tag = take(64);
    ASSERT_NE(tag, 5u);
    complete(tag, 0);
  }
  while (now_ - start < 4400) edge();
  (void)busy(5);
  EXPECT_FALSE(parts->tags_quarantine_o);
  EXPECT_EQ(timeouts_, 1u);
  std::set<unsigned> again;
  for (int n = 0; n < 32; ++n) again.insert(take(64));
  EXPECT_EQ(again.count(5), 1u);
}

TEST_F(Tags, AReadIsNotGivenUpInTheMiddleOfACompletion) {
  parts->tags_timeout_i = 1000;
  const unsigned tag = take(64);
  parts->tags_packet_goes_on_i = 1;
  complete(tag, 32);
  for (int n = 0; n < 1500; ++n) edge();
  EXPECT_EQ(timeouts_, 0u);
  EXPECT_TRUE(busy(tag));
  parts->tags_packet_goes_on_i = 0;
  for (int n = 0; n < 300; ++n) edge();
  EXPECT_EQ(timeouts_, 1u);
  EXPECT_FALSE(busy(tag));
}

TEST_F(Tags, OfAForgottenReadComesBackWithItsLastCompletion) {
  const unsigned tag = take(64);
  const unsigned other = take(64);
  parts->tags_clear_i = 1;
  for (int n = 0; n < 300; ++n) edge();
  EXPECT_TRUE(parts->tags_clear_done_o);
  parts->tags_clear_i = 0;
  EXPECT_FALSE(busy(tag));
  EXPECT_TRUE(parts->tags_quarantine_o);
  for (int n = 0; n < 30; ++n) {
    const unsigned next = take(16);
    ASSERT_NE(next, tag);
    ASSERT_NE(next, other);
  }
  EXPECT_FALSE(offered());
  complete(tag, 0);
  EXPECT_TRUE(offered());
  EXPECT_EQ(take(16), tag);
}

TEST_F(Tags, ACompletionInTheClockInWhichReadsAreForgottenStillCounts) {
  parts->tags_timeout_i = 100;
  const unsigned tag = take(512);
  parts->tags_clear_i = 1;
  complete(tag, 0);
  for (int n = 0; n < 300; ++n) edge();
  EXPECT_TRUE(parts->tags_clear_done_o);
  parts->tags_clear_i = 0;
  EXPECT_FALSE(busy(tag));
  EXPECT_FALSE(parts->tags_quarantine_o);
  for (int n = 0; n < 600; ++n) edge();
  std::set<unsigned> tags;
  for (int n = 0; n < 32; ++n) tags.insert(take(64));
  EXPECT_EQ(tags.size(), 32u);
}

}  // namespace
}  // namespace holdover::rtl_test
