// SPDX-License-Identifier: MIT
// The invariants of live update over whole runs: all of them held by an update that goes well, under either isolation
// and in a chain; and each that a kernel's mistake can break, broken by it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/bench_run.h"

namespace holdover::bench::testing {
namespace {

const bench::Invariant& invariant(const Report& report, unsigned number) {
  return report.verdict.invariants.at(number - 1);
}

void expect_all_held(const Report& report) {
  for (unsigned number = 1; number <= kInvariantCount; ++number) {
    EXPECT_EQ(invariant(report, number).status, InvariantStatus::Held) << number << text_of(report);
  }
}

TEST(InvariantRun, AWholeUpdateHoldsAll) { expect_all_held(run_whole(short_run())); }

TEST(InvariantRun, KernelsAsProcessesHoldAll) {
  RunOptions options = short_run();
  options.isolation = Isolation::Process;
  options.kernel_image = HOLDOVER_KERNEL_IMAGE;
  expect_all_held(run_whole(options));
}

TEST(InvariantRun, BridgesSharedByTwoEndpointsHoldAll) {
  RunOptions options = short_run();
  options.topology = "switch";
  expect_all_held(run_whole(options));
}

TEST(InvariantRun, AChainInWhichFunctionsAreIncomingAndOutgoingAtOnceHoldsAll) {
  RunOptions options = short_run();
  options.chain = "continuous,continuous,continuous";
  options.finish = FinishOrder::AfterPreserve;
  expect_all_held(run_whole(options));
}

TEST(InvariantRun, ARefusedUpdateLeavesEveryFilePreserved) {
  const Report report = run_whole(short_run({"refused-kexec"}));
  for (const unsigned number : {1u, 2u, 3u, 4u}) {
    EXPECT_EQ(invariant(report, number).status, InvariantStatus::Held) << number << text_of(report);
  }
}

TEST(InvariantRun, WithoutAnUpdateNothingOfItIsHeld) {
  RunOptions options = short_run();
  options.jump = Jump::None;
  const Report report = run_whole(options);
  for (const unsigned number : {1u, 2u, 3u, 4u, 5u, 12u, 13u, 14u}) {
    EXPECT_EQ(invariant(report, number).status, InvariantStatus::NotJudged) << number << text_of(report);
  }
}

struct Breach {
  const char* fault;
  unsigned number;
  const char* host;
  pcie::Phase phase;
  const char* sentence;
};

void PrintTo(const Breach& breach, std::ostream* out) { *out << breach.fault << " breaks " << breach.number; }

class BrokenInvariant : public ::testing::TestWithParam<Breach> {};

TEST_P(BrokenInvariant, NamesWhoBrokeItAndWhere) {
  const Report report = run_whole(short_run({GetParam().fault}));
  const bench::Invariant& found = invariant(report, GetParam().number);
  ASSERT_EQ(found.status, InvariantStatus::Broken) << text_of(report);
  EXPECT_EQ(found.broken_by->host, GetParam().host) << text_of(report);
  EXPECT_EQ(found.broken_by->phase, GetParam().phase) << text_of(report);
  EXPECT_THAT(found.broken_by->sentence, ::testing::HasSubstr(GetParam().sentence));
  EXPECT_THAT(text_of(report), ::testing::HasSubstr("invariant " + std::to_string(GetParam().number) + " broken: "));
}

std::string name_of(const ::testing::TestParamInfo<Breach>& tested) {
  std::string name = tested.param.fault;
  std::erase(name, '-');
  return "N" + std::to_string(tested.param.number) + "_" + name;
}

INSTANTIATE_TEST_SUITE_P(
    Kernel, BrokenInvariant,
    ::testing::Values(Breach{"H041", 6, "kernel B", pcie::Phase::Enumerate, "moved from"},
                      Breach{"H014", 7, "kernel A", pcie::Phase::Shutdown, "bus master enable cleared"},
                      Breach{"poisoned-completion", 8, "nobody", pcie::Phase::Blackout, "poisoned data"},
                      Breach{"H012", 9, "nobody", pcie::Phase::Blackout, "page"},
                      Breach{"H119", 10, "kernel B", pcie::Phase::Bind, "endpoint 0"},
                      Breach{"H073", 11, "kernel B", pcie::Phase::Retrieve, "neither become a message"}),
    name_of);

// A kernel that knows nothing of live update takes the functions for new ones.
TEST(InvariantRun, N12_AStockKernelTreatsAHandoverAsANormalBoot) {
  RunOptions options = short_run();
  options.to = "stock-7.3";
  const Report report = run_whole(options);
  const bench::Invariant& found = invariant(report, 12);
  ASSERT_EQ(found.status, InvariantStatus::Broken) << text_of(report);
  EXPECT_THAT(found.broken_by->sentence, ::testing::HasSubstr("kernel B booted as if nothing had been handed over"));
  EXPECT_THAT(report.verdict.check(Check::Handover).first->sentence, ::testing::HasSubstr("no handover"));
}

TEST(InvariantRun, N14_OneKernelOfAChainBreaksTheChain) {
  RunOptions options = short_run();
  options.chain = "continuous,continuous:iommu-at-kexec=off,continuous";
  const Report report = run_whole(options);
  EXPECT_EQ(invariant(report, 14).status, InvariantStatus::Broken) << text_of(report);
}

}  // namespace
}  // namespace holdover::bench::testing
