// SPDX-License-Identifier: MIT
// The three views of a report say the same, and the replay command comes last.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "bench/run.h"

namespace holdover::bench {
namespace {

Report failed_report() {
  Report report;
  report.options.isolation = Isolation::InProcess;
  report.verdict.outcome = Outcome::Fail;
  report.verdict.headline = "FAIL (continuity): bus master enable cleared";
  for (unsigned i = 0; i < kCheckCount; ++i) {
    report.verdict.checks[i].check = static_cast<Check>(i);
    report.verdict.checks[i].status = CheckStatus::Pass;
    report.verdict.checks[i].figure = "figure " + std::to_string(i);
  }
  CheckResult& continuity = report.verdict.checks[0];
  continuity.status = CheckStatus::Fail;
  continuity.finding_count = 3;
  continuity.first = Finding{Time{5'000'000}, pcie::Phase::Shutdown, "record <7> lost", "bus master & cause"};
  continuity.numbers = {{"records", 41}};
  report.verdict.first = continuity.first;
  report.phases = {{pcie::Phase::Steady, "kernel A", Time{0}, Time{4'000'000}, Cycles{1000}, 2, Time{2'000'000}, 0}};
  report.silence_limit = Time{3'000'000};
  report.replay = "holdover run --wave x.fst";
  return report;
}

TEST(ReportText, TheReplayCommandIsTheLastLineAndPlainTextHasNoEscapes) {
  std::ostringstream out;
  print(out, failed_report(), false);
  const std::string text = out.str();
  EXPECT_EQ(text.substr(text.size() - 26), "holdover run --wave x.fst\n");
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_NE(text.find("first of 3: record <7> lost (phase shutdown, 5.000 us)"), std::string::npos);
  EXPECT_NE(text.find("cause: bus master & cause"), std::string::npos);
}

TEST(ReportJson, ChecksPhasesAndTimesAreThereAndWallTimeStandsApart) {
  const auto json = nlohmann::json::parse(to_json(failed_report()));
  EXPECT_EQ(json["schema_version"], 1);
  EXPECT_EQ(json["outcome"], "FAIL");
  ASSERT_EQ(json["checks"].size(), 9u);
  EXPECT_EQ(json["checks"][0]["status"], "fail");
  EXPECT_EQ(json["checks"][0]["numbers"]["records"], 41);
  EXPECT_EQ(json["checks"][0]["first_finding"]["time_ps"], 5'000'000);
  EXPECT_EQ(json["phases"][0]["longest_silence_ps"], 2'000'000);
  EXPECT_FALSE(json["simulated"].contains("time_ns"));
  EXPECT_TRUE(json["wall"].contains("time_ns"));
}

TEST(ReportJunit, OneCasePerCheckWithEscapedText) {
  const std::string xml = to_junit(failed_report());
  EXPECT_NE(xml.find("tests=\"9\" failures=\"1\" errors=\"0\" skipped=\"0\""), std::string::npos);
  EXPECT_NE(xml.find("<failure message=\"record &lt;7&gt; lost\">bus master &amp; cause</failure>"), std::string::npos);
}

TEST(ReportExit, TheExitCodeFollowsTheOutcome) {
  Report report = failed_report();
  EXPECT_EQ(exit_code(report), 1);
  report.verdict.outcome = Outcome::Pass;
  EXPECT_EQ(exit_code(report), 0);
  report.verdict.outcome = Outcome::Inconclusive;
  EXPECT_EQ(exit_code(report), 3);
}

TEST(ReportTime, TimesArePrintedExactly) {
  EXPECT_EQ(format_time(Time{1'000'000'000}), "1ms");
  EXPECT_EQ(format_time(Time{1'482'000'000}), "1482us");
  EXPECT_EQ(format_time(Time{1}), "1ps");
}

}  // namespace
}  // namespace holdover::bench
