// SPDX-License-Identifier: MIT
#include "pcie/command_line.h"

#include <gmock/gmock.h>

namespace holdover {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(CommandLine, AValueEndsAtTheNextBlank) {
  EXPECT_EQ(command_line_value("seed=7 bulk=c2h,h2c", "seed"), "7");
  EXPECT_EQ(command_line_value("seed=7 bulk=c2h,h2c\n", "bulk"), "c2h,h2c");
  EXPECT_EQ(command_line_value("  seed=7\tx=1", "x"), "1");
}

TEST(CommandLine, ANameIsAWholeWord) {
  EXPECT_EQ(command_line_value("seed=7 reseed=8 quiet", "see"), "");
  EXPECT_EQ(command_line_value("reseed=8", "seed"), "");
  EXPECT_EQ(command_line_value("quiet", "quiet"), "");
  EXPECT_EQ(command_line_value("", "seed"), "");
}

TEST(CommandLine, OfSeveralTheFirstCountsOrAll) {
  EXPECT_EQ(command_line_value("hazard=H012 hazard=H014", "hazard"), "H012");
  EXPECT_THAT(command_line_values("hazard=H012 seed=1 hazard= hazard=H014", "hazard"), ElementsAre("H012", "", "H014"));
  EXPECT_THAT(command_line_values("seed=1", "hazard"), IsEmpty());
}

TEST(CommandLine, AValueMayHoldAnEqualsSign) { EXPECT_EQ(command_line_value("policy=a=b", "policy"), "a=b"); }

}  // namespace
}  // namespace holdover
