// SPDX-License-Identifier: MIT
// One update after the other, and updates between kernels that differ.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/bench_run.h"

namespace holdover::bench::testing {
namespace {

RunOptions chain(const std::string& kernel, unsigned updates) {
  RunOptions options = short_run();
  options.chain = kernel;
  for (unsigned update = 0; update < updates; ++update) options.chain += "," + kernel;
  return options;
}

std::uint64_t number(const Report& report, std::string_view name) {
  for (const auto& [key, value] : report.verdict.check(Check::Handover).numbers) {
    if (key == name) return value;
  }
  return ~std::uint64_t{0};
}

class Chain : public ::testing::TestWithParam<FinishOrder> {};

// The bench finds any difference between what two of its kernels hand over, and in the memory that they have left.
TEST_P(Chain, OfTwentyUpdatesPassesAndLeaksNothing) {
  RunOptions options = chain("continuous", 20);
  options.finish = GetParam();
  const Report report = run_whole(options);
  EXPECT_EQ(report.verdict.outcome, Outcome::Pass) << text_of(report);
  EXPECT_EQ(number(report, "updates"), 20u);
  EXPECT_EQ(number(report, "sessions"), 1u);
  EXPECT_EQ(number(report, "functions"), 2u);
}

TEST_P(Chain, BehindASwitchKeepsEveryFunction) {
  RunOptions options = chain("continuous", 3);
  options.finish = GetParam();
  options.topology = "switch";
  const Report report = run_whole(options);
  EXPECT_EQ(report.verdict.outcome, Outcome::Pass) << text_of(report);
  EXPECT_EQ(number(report, "functions"), 6u);
}

INSTANTIATE_TEST_SUITE_P(Finish, Chain, ::testing::Values(FinishOrder::BeforePreserve, FinishOrder::AfterPreserve),
                         [](const ::testing::TestParamInfo<FinishOrder>& of) {
                           return of.param == FinishOrder::BeforePreserve ? "BeforePreserve" : "AfterPreserve";
                         });

TEST(ChainOfKernelsThatDiffer, NamesTheKernelThatBreaksIt) {
  RunOptions options = short_run();
  options.chain = "continuous,continuous:iommu-at-kexec=off,continuous";
  const Report report = run_whole(options);
  EXPECT_EQ(report.verdict.outcome, Outcome::Fail);
  const CheckResult& check = report.verdict.check(Check::Iommu);
  ASSERT_EQ(check.status, CheckStatus::Fail) << text_of(report);
  // Felt first when kernel B has left, or by its last breath.
  EXPECT_THAT(check.first->cause, ::testing::AnyOf(::testing::HasSubstr("by kernel B, phase shutdown"),
                                                   ::testing::HasSubstr("while no kernel ran")));
  EXPECT_EQ(check.first->time > report.phases[report.phases.size() / 2].begin, true) << text_of(report);
}

TEST(ChainOfKernelsThatDiffer, EndsWhereAKernelHasNoLiveUpdate) {
  RunOptions options = short_run();
  options.chain = "continuous,stock-7.3,continuous";
  const Report report = run_whole(options);
  EXPECT_EQ(report.verdict.outcome, Outcome::Fail);
  ASSERT_EQ(report.verdict.check(Check::Handover).status, CheckStatus::Fail);
  EXPECT_THAT(report.verdict.check(Check::Handover).first->sentence,
              ::testing::HasSubstr("no handover: kernel B has no session to retrieve"));
}

TEST(ChainOfKernelsThatDiffer, TheFirstKernelAloneMayHaveAnotherPolicy) {
  RunOptions options = short_run();
  options.from = "continuous:msix-at-kexec=disable";
  const Report report = run_whole(options);
  EXPECT_EQ(report.verdict.outcome, Outcome::Fail);
  EXPECT_THAT(report.verdict.check(Check::Configuration).first->cause,
              ::testing::HasSubstr("MSI-X enable cleared at 0000:01:00.0 (endpoint 0) by kernel A, phase shutdown"));
  EXPECT_THAT(report.replay, ::testing::HasSubstr("--from continuous:msix-at-kexec=disable"));
}

}  // namespace
}  // namespace holdover::bench::testing
