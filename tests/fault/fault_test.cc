// SPDX-License-Identifier: MIT
// The proof that the bench can fail: one mistake at a time, and each run must FAIL in the right check with the right
// cause.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/bench_run.h"

namespace holdover::bench::testing {
namespace {

struct FaultCase {
  const char* fault;
  Check check;
  const char* cause;  // part of the cause, or of the sentence where that says it all
};

void PrintTo(const FaultCase& fault, std::ostream* out) { *out << fault.fault; }

class Fault : public ::testing::TestWithParam<FaultCase> {};

TEST_P(Fault, FailsInTheRightCheckWithTheRightCause) {
  const Report report = run_whole(short_run({GetParam().fault}));
  EXPECT_EQ(report.verdict.outcome, Outcome::Fail) << text_of(report);
  const CheckResult& check = report.verdict.check(GetParam().check);
  ASSERT_EQ(check.status, CheckStatus::Fail) << text_of(report);
  ASSERT_TRUE(check.first.has_value());
  EXPECT_THAT(check.first->sentence + " / " + check.first->cause, ::testing::HasSubstr(GetParam().cause))
      << text_of(report);
  EXPECT_THAT(report.replay, ::testing::HasSubstr(std::string("--fault ") + GetParam().fault));
  EXPECT_THAT(report.replay, ::testing::HasSubstr("--wave "));
}

std::string name_of(const ::testing::TestParamInfo<FaultCase>& info) {
  std::string name = info.param.fault;
  for (char& c : name) {
    if (c == '-') c = '_';
  }
  return name + "_" + std::string(identifier(info.param.check));
}

INSTANTIATE_TEST_SUITE_P(
    Kernel, Fault,
    ::testing::Values(
        FaultCase{"H006", Check::ResetAndLink, "function level reset of 0000:01:00.0 (endpoint 0)"},
        FaultCase{"H012", Check::Memory, "was not in the KHO tree that kernel A handed over"},
        FaultCase{"H013-ring", Check::Memory, "was not in the KHO tree that kernel A handed over"},
        FaultCase{"H013-page-table", Check::Iommu, "page"},
        FaultCase{"H013-page-table", Check::Handover, "is not in the KHO tree"},
        FaultCase{"H014", Check::Continuity,
                  "bus master enable cleared at 0000:01:00.0 (endpoint 0) by kernel A, phase shutdown"},
        FaultCase{"H014", Check::Configuration, "bus master enable cleared at 0000:01:00.0 (endpoint 0)"},
        FaultCase{"H015", Check::Continuity, "bus master enable cleared at 0000:00:"},
        FaultCase{"H025", Check::Iommu, "IOMMU translation off"},
        FaultCase{"H025", Check::Memory, "which it does not own"},
        FaultCase{"H041", Check::Configuration, "bus numbers changed"},
        FaultCase{"H041", Check::Bdf, "bus numbers changed"},
        FaultCase{"H058", Check::Configuration, "was sized and not written back by the end of phase enumerate"},
        FaultCase{"H073", Check::Configuration, "MSI-X enable cleared"},
        FaultCase{"H073", Check::Interrupts, "MSI-X enable cleared at 0000:01:00.0 (endpoint 0) by kernel B"},
        FaultCase{"H032", Check::Iommu, "IOMMU translation off"}, FaultCase{"H085", Check::Iommu, ""},
        FaultCase{"H086", Check::Iommu, ""},
        FaultCase{"H110", Check::Continuity,
                  "power state changed from 0x0 to 0x3 at 0000:01:00.0 (endpoint 0) by kernel B"},
        FaultCase{"H111", Check::Continuity, "bus master enable cleared at 0000:01:00.0 (endpoint 0) by kernel B"},
        FaultCase{"H111", Check::ResetAndLink, "function level reset of 0000:01:00.0 (endpoint 0)"},
        FaultCase{"H119", Check::ResetAndLink, "function level reset of 0000:01:00.0 (endpoint 0)"},
        FaultCase{"H121", Check::ResetAndLink, "secondary bus reset set at 0000:00:01.0 (root port 0) by kernel B"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Machine, Fault,
    ::testing::Values(FaultCase{"lost-message", Check::Interrupts, "machine fault lost-message"},
                      FaultCase{"lost-completion", Check::Protocol, "machine fault lost-completion"},
                      FaultCase{"poisoned-completion", Check::Protocol, "machine fault poisoned-completion"},
                      FaultCase{"lost-write", Check::Continuity, "machine fault lost-write"},
                      FaultCase{"repeated-write", Check::Continuity, "machine fault repeated-write"},
                      FaultCase{"link-down", Check::ResetAndLink, "went down"},
                      FaultCase{"power-loss", Check::ResetAndLink, "machine fault power-loss"},
                      FaultCase{"swapped-endpoint", Check::ResetAndLink, "machine fault swapped-endpoint"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Others, Fault,
    ::testing::Values(FaultCase{"agent-dies-preserved", Check::ResetAndLink, "function level reset"},
                      FaultCase{"agent-dies-incoming", Check::Handover, "gave up"},
                      FaultCase{"agent-dies-retrieved", Check::ResetAndLink, "function level reset"},
                      FaultCase{"unbind-incoming", Check::Handover, "errno 19"},
                      FaultCase{"rmmod-incoming", Check::Handover, "errno 19"}),
    name_of);

class FaultThatIsRefused : public ::testing::TestWithParam<const char*> {};

// The kernel answers EBUSY, as it has to.
TEST_P(FaultThatIsRefused, DoesNoHarm) {
  const Report report = run_whole(short_run({GetParam()}));
  EXPECT_EQ(report.verdict.outcome, Outcome::Pass) << text_of(report);
}

INSTANTIATE_TEST_SUITE_P(Interference, FaultThatIsRefused,
                         ::testing::Values("unbind-preserved", "unbind-retrieved", "rmmod-preserved",
                                           "rmmod-retrieved"));

// The bus numbers of the tree, and with them the requester ID, change under the running endpoint.
TEST(FaultOnASwitch, RenumberingChangesTheRequesterId) {
  RunOptions options = short_run({"H041"});
  options.topology = "switch";
  const Report report = run_whole(options);
  EXPECT_EQ(report.verdict.outcome, Outcome::Fail) << text_of(report);
  EXPECT_EQ(report.verdict.check(Check::Configuration).status, CheckStatus::Fail) << text_of(report);
}

TEST(FaultWatchdog, AStuckEngineEndsTheRunWithADump) {
  const Report report = run_whole(short_run({"stuck-engine"}));
  EXPECT_EQ(report.verdict.outcome, Outcome::Fail) << text_of(report);
  EXPECT_EQ(report.verdict.check(Check::Continuity).status, CheckStatus::Fail) << text_of(report);
  EXPECT_THAT(report.verdict.check(Check::Continuity).first->cause, ::testing::HasSubstr("machine fault stuck-engine"));
  EXPECT_FALSE(report.dump.empty());
}

}  // namespace
}  // namespace holdover::bench::testing
