// SPDX-License-Identifier: MIT
#include "cli/time_text.h"

#include <gtest/gtest.h>

namespace holdover::cli {
namespace {

TEST(TimeText, EveryUnitIsExact) {
  EXPECT_EQ(parse_time("7ps"), Time{7});
  EXPECT_EQ(parse_time("7ns"), 7_ns);
  EXPECT_EQ(parse_time("250us"), 250_us);
  EXPECT_EQ(parse_time("250µs"), 250_us);
  EXPECT_EQ(parse_time("1ms"), 1_ms);
  EXPECT_EQ(parse_time("2s"), Time{2'000'000'000'000});
  EXPECT_EQ(parse_time("0us"), Time{0});
}

TEST(TimeText, FractionsAreExactOrRefused) {
  EXPECT_EQ(parse_time("1.5ms"), 1500_us);
  EXPECT_EQ(parse_time("0.001ns"), Time{1});
  EXPECT_EQ(parse_time("0.123456789012s"), Time{123'456'789'012});
  EXPECT_EQ(parse_time("1.0000000000000ps"), Time{1});
  EXPECT_EQ(parse_time("0.5ps"), std::nullopt);
  EXPECT_EQ(parse_time("0.0001ns"), std::nullopt);
}

TEST(TimeText, BlanksMayStandBeforeTheUnitOnly) {
  EXPECT_EQ(parse_time("1.5 ms"), 1500_us);
  EXPECT_EQ(parse_time(" 1ms"), std::nullopt);
  EXPECT_EQ(parse_time("1ms "), std::nullopt);
}

TEST(TimeText, WhatIsNoTimeIsRefused) {
  for (const char* text : {"", "us", "5", ".us", "1.us", "-1us", "+1us", "1e3us", "1.2.3us", "1min", "1 ", "0x1us"}) {
    EXPECT_EQ(parse_time(text), std::nullopt) << text;
  }
}

TEST(TimeText, WhatDoesNotFitIsRefused) {
  EXPECT_EQ(parse_time("18446744073709551615ps"), Time{18'446'744'073'709'551'615u});
  EXPECT_EQ(parse_time("18446744073709551616ps"), std::nullopt);
  EXPECT_EQ(parse_time("18446745s"), std::nullopt);
}

}  // namespace
}  // namespace holdover::cli
