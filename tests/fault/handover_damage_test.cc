// SPDX-License-Identifier: MIT
// What is handed over is damaged on the way, while the devices go on: what the next kernel makes of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/support/bench_run.h"

namespace holdover::bench::testing {
namespace {

using ::testing::HasSubstr;

struct Damage {
  const char* fault;
  const char* profile;
  const char* outcome;  // on the console of kernel B, or in the reason of its panic
};

void PrintTo(const Damage& damage, std::ostream* out) { *out << damage.fault << " under " << damage.profile; }

class HandoverDamaged : public ::testing::TestWithParam<Damage> {};

TEST_P(HandoverDamaged, FailsWithTheDamageAsItsCause) {
  RunOptions options = short_run({GetParam().fault});
  options.profile = GetParam().profile;
  const Report report = run_whole(options);
  EXPECT_EQ(report.verdict.outcome, Outcome::Fail) << text_of(report);
  std::string all = text_of(report);
  for (const std::string& line : report.console) all += line + "\n";
  const CheckResult& handover = report.verdict.check(Check::Handover);
  ASSERT_EQ(handover.status, CheckStatus::Fail) << all;
  EXPECT_THAT(report.notes, ::testing::Contains(HasSubstr(std::string("fault ") + GetParam().fault + ":")));
  EXPECT_THAT(all, HasSubstr(GetParam().outcome));
}

std::string name_of(const ::testing::TestParamInfo<Damage>& info) {
  std::string name = std::to_string(info.index) + "_" + info.param.fault + "_" + info.param.profile;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, HandoverDamaged,
    ::testing::Values(Damage{"broken-kho", "continuous", "nothing counts as preserved"},
                      Damage{"broken-kho", "continuous", "refused to retrieve the session «holdover» with ENOENT"},
                      Damage{"other-luo", "continuous",
                             "panicked in phase early boot: LUO: the handed-over state is not compatible with luo-v5"},
                      Damage{"cyclic-sessions", "continuous", "refused to open /dev/liveupdate with EIO"},
                      Damage{"lost-pci-table", "continuous",
                             "panicked in phase enumerate: PCI: the handed-over table cannot be retrieved"},
                      Damage{"lost-pci-table", "pci-v7",
                             "Kernel panic: PCI: the handed-over table cannot be retrieved"},
                      Damage{"lost-pci-table", "pci-v6", "this boot goes on as if there were none"},
                      Damage{"lost-pci-table", "pci-v3", "this boot goes on as if there were none"},
                      Damage{"other-iommu", "continuous",
                             "panicked in phase early boot: IOMMU: the handed-over state has another version"},
                      Damage{"other-iommu", "pci-v9:iommu-part=series",
                             "Kernel panic: IOMMU: the handed-over state has another version"}),
    name_of);

TEST(HandoverDamaged, PanicLeavesDevicesGoingOnAndIsMeasured) {
  const Report report = run_whole(short_run({"other-luo"}));
  const CheckResult& handover = report.verdict.check(Check::Handover);
  const auto number = [&handover](std::string_view name) {
    const auto found = std::find_if(handover.numbers.begin(), handover.numbers.end(),
                                    [name](const auto& candidate) { return candidate.name == name; });
    return found == handover.numbers.end() ? 0 : found->value;
  };
  // Nobody stops them: until the end of the run, within a few heartbeats.
  EXPECT_GT(number("dma_after_panic_ps"), (short_run().after - Time{10'000'000}).count()) << text_of(report);
  EXPECT_GT(number("requests_after_panic"), 0u);
  EXPECT_EQ(number("strays_after_panic"), 0u) << text_of(report);
}

TEST(HandoverDamaged, AKernelThatStopsIsNotBlamedForWhatItHadNotComeTo) {
  RunOptions options = short_run({"other-luo"});
  options.topology = "switch";
  const Report report = run_whole(options);
  EXPECT_EQ(report.verdict.check(Check::Configuration).status, CheckStatus::Pass) << text_of(report);
}

// The session is there for nobody, so that no agent can stop the devices: what they still ask for at the end is no
// loss.
TEST(HandoverRefused, WhatDevicesStillAskForWhenTheRunEndsIsNoViolation) {
  RunOptions options = short_run();
  options.to = "continuous:device-handler=v2";
  const Report report = run_whole(options);
  EXPECT_EQ(report.verdict.headline, "FAIL (handover): no handover: kernel B has no session to retrieve, errno 5");
  for (const CheckResult& check : report.verdict.checks) {
    const bool handover = check.check == Check::Handover;
    EXPECT_EQ(check.status, handover ? CheckStatus::Fail : CheckStatus::Pass) << text_of(report);
  }
}

TEST(HandoverDamaged, PassesNoRunInWhichThereWasNothingToDamage) {
  RunOptions options = short_run({"lost-pci-table"});
  options.scenario = "plain-kexec";
  const Report report = run_whole(options);
  EXPECT_NE(report.verdict.outcome, Outcome::Pass) << text_of(report);
  EXPECT_THAT(report.notes, ::testing::Contains(HasSubstr("lost-pci-table did not strike"))) << text_of(report);
}

}  // namespace
}  // namespace holdover::bench::testing
