// SPDX-License-Identifier: MIT
// A panic that enters a crash kernel: what becomes of DMA that nobody stopped.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/bench_run.h"

namespace holdover::bench::testing {
namespace {

using ::testing::HasSubstr;

Report crash(const char* profile, const char* topology) {
  RunOptions options = short_run();
  options.jump = Jump::Crash;
  options.profile = profile;
  options.topology = topology;
  return run_whole(options);
}

bool seen(const Report& report, std::string_view hazard) {
  return std::any_of(report.hazards.begin(), report.hazards.end(),
                     [hazard](const HazardSighting& sighting) { return sighting.name == hazard; });
}

class Crash : public ::testing::TestWithParam<const char*> {};

TEST_P(Crash, ShutsNothingDownAndHandsNothingOver) {
  const Report report = crash("stock-7.3", GetParam());
  EXPECT_EQ(report.verdict.outcome, Outcome::Fail) << text_of(report);
  ASSERT_TRUE(report.verdict.check(Check::Handover).first.has_value());
  EXPECT_THAT(report.verdict.check(Check::Handover).first->sentence, HasSubstr("a crash kernel is handed nothing"));
  for (const char* hazard : {"H014", "H015", "H017", "H024", "H025"}) EXPECT_FALSE(seen(report, hazard)) << hazard;
  // What a scan does, it does in a crash kernel too.
  for (const char* hazard : {"H056", "H058", "H073"}) EXPECT_TRUE(seen(report, hazard)) << hazard;
}

// Pages of the kernel that panicked stay as they are, and the crash kernel keeps to its own.
TEST_P(Crash, LetsDmaReachNobodyElsesMemory) {
  const Report report = crash("stock-7.3", GetParam());
  EXPECT_EQ(report.verdict.check(Check::Memory).finding_count, 0u) << text_of(report);
}

INSTANTIATE_TEST_SUITE_P(Topologies, Crash, ::testing::Values("direct", "switch"));

}  // namespace
}  // namespace holdover::bench::testing
