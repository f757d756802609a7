// SPDX-License-Identifier: MIT
#include "sim/fault_plan.h"

#include <gtest/gtest.h>

namespace holdover::sim {
namespace {

using Kind = MachineFault::Kind;

MachineFault fault_of(Kind kind, Time delay = Time{0}) {
  MachineFault fault;
  fault.kind = kind;
  fault.phase = pcie::Phase::Steady;
  fault.delay = delay;
  return fault;
}

TEST(FaultPlan, StrikesNothingBeforeItsPhaseAndItsDelay) {
  FaultPlan plan{{fault_of(Kind::DropCompletion, 5_us)}, nullptr};

  EXPECT_EQ(plan.at_completion(100_us, 0), FaultAction::Pass);
  plan.begin_phase(100_us, pcie::Phase::Steady);
  EXPECT_EQ(plan.at_completion(104_us, 0), FaultAction::Pass);
  EXPECT_EQ(plan.at_completion(105_us, 0), FaultAction::Drop);
}

TEST(FaultPlan, StrikesOnce) {
  unsigned strikes = 0;
  FaultPlan plan{{fault_of(Kind::PoisonCompletion)}, [&strikes](Time, const MachineFault&) { ++strikes; }};
  plan.begin_phase(1_us, pcie::Phase::Steady);

  EXPECT_FALSE(plan.idle());
  EXPECT_EQ(plan.at_completion(1_us, 0), FaultAction::Poison);
  plan.begin_phase(2_us, pcie::Phase::Steady);

  EXPECT_EQ(plan.at_completion(2_us, 0), FaultAction::Pass);
  EXPECT_EQ(strikes, 1u);
  EXPECT_TRUE(plan.idle());
}

TEST(FaultPlan, TheFirstBeginningOfAPhaseCounts) {
  FaultPlan plan{{fault_of(Kind::RepeatPostedWrite, 10_us)}, nullptr};
  plan.begin_phase(1_us, pcie::Phase::Steady);
  plan.begin_phase(9_us, pcie::Phase::Steady);

  EXPECT_EQ(plan.at_posted_write(11_us, 0), FaultAction::Repeat);
}

TEST(FaultPlan, MatchesEndpointAndPacket) {
  FaultPlan plan{{fault_of(Kind::DropMessage), fault_of(Kind::DropPostedWrite)}, nullptr};
  plan.begin_phase(1_us, pcie::Phase::Steady);

  EXPECT_EQ(plan.at_message(1_us, 1), FaultAction::Pass);
  EXPECT_EQ(plan.at_completion(1_us, 0), FaultAction::Pass);
  EXPECT_EQ(plan.at_message(1_us, 0), FaultAction::Drop);
  EXPECT_EQ(plan.at_posted_write(1_us, 1), FaultAction::Pass);
  EXPECT_EQ(plan.at_posted_write(1_us, 0), FaultAction::Drop);
}

TEST(FaultPlan, TimedFaultsSayWhenTheyAreDueAndAreTakenThen) {
  FaultPlan plan{{fault_of(Kind::LinkDown, 7_us), fault_of(Kind::StallTransmit, 3_us)}, nullptr};
  EXPECT_EQ(plan.next_due(), std::nullopt);
  plan.begin_phase(10_us, pcie::Phase::Steady);

  EXPECT_EQ(plan.next_due(), 13_us);
  EXPECT_TRUE(plan.take_due(12_us).empty());
  const auto due = plan.take_due(13_us);
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].kind, Kind::StallTransmit);
  EXPECT_EQ(plan.next_due(), 17_us);
  EXPECT_EQ(plan.take_due(100_us).size(), 1u);
  EXPECT_TRUE(plan.idle());
}

}  // namespace
}  // namespace holdover::sim
