// SPDX-License-Identifier: MIT
// The fourteen invariants of live update: held by a whole update, and 1 to 6 broken, each by a scene of its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/invariant_scene.h"

namespace holdover::bench::testing {
namespace {

using pcie::Phase;
using pcie::Step;
using ::testing::HasSubstr;

TEST_F(Invariant, AllAreHeldByAWholeUpdateAndNoCheckHasAFinding) {
  whole_update();
  invariants.on_end();
  for (unsigned number = 1; number <= kInvariantCount; ++number) EXPECT_EQ(state(number), "held") << number;
  for (unsigned check = 0; check < kCheckCount; ++check) EXPECT_EQ(first(static_cast<Check>(check)), "");
}

TEST_F(Invariant, NothingIsHeldWhereNothingWasSeen) {
  for (const unsigned number : {1u, 2u, 3u, 4u, 5u, 6u, 12u, 13u, 14u})
    EXPECT_EQ(state(number), "not judged") << number;
}

TEST_F(Invariant, OneThatAnotherCheckDidNotJudgeIsNotHeld) {
  std::array<CheckResult, kCheckCount> checks;
  const auto rows = invariants.rows(checks);
  for (const unsigned number : {7u, 8u, 9u, 10u, 11u}) {
    EXPECT_EQ(rows[number - 1].status, InvariantStatus::NotJudged) << number;
  }
}

TEST_F(Invariant, ABreachNamesKernelPhaseStepAndTime) {
  preserve(us(1));
  write_table(recorded(), 3);
  enter(us(2), Phase::Freeze);
  const auto found = row(1);
  ASSERT_TRUE(found.broken_by.has_value());
  EXPECT_EQ(found.broken_by->host, "kernel A");
  EXPECT_EQ(found.broken_by->phase, Phase::Freeze);
  EXPECT_EQ(found.broken_by->step, Step::Begin);
  EXPECT_EQ(found.broken_by->time, us(2));
  EXPECT_EQ(count(Check::Handover), 1u);
  enter(us(3), Phase::Shutdown);
  EXPECT_EQ(count(Check::Handover), 1u) << "said twice";
}

TEST_F(Invariant, WhatTheHostKeepsOfTheUpdateIsCausedByNothingOnTheWire) {
  preserve(us(1));
  evidence.disrupt(us(2), ~0u, Rank::Act, Evidence::kTraffic, "bus master enable cleared at a port");
  jump(us(3), 2);
  boot(us(4));
  write_table(recorded(), 3);
  finish(us(6), {{kRootPort, 1}});
  for (const unsigned number : {1u, 13u, 14u}) {
    const auto found = row(number);
    ASSERT_TRUE(found.broken_by.has_value()) << number;
    EXPECT_EQ(found.broken_by->cause, "") << number;
  }
}

TEST_F(Invariant, N01_NrDevicesCountsEntries) {
  preserve(us(1));
  EXPECT_EQ(state(1), "held");
  write_table(recorded(), 5);
  say(us(2), Step::FilePreserved);
  EXPECT_THAT(state(1), HasSubstr("another number of devices than it says"));
}

TEST_F(Invariant, N01_ABridgeCountsTheRecordedEndpointsBelowIt) {
  preserve(us(1));
  Entries entries = recorded();
  entries[kUpstreamPort] = 2;
  write_table(entries);
  say(us(2), Step::FilePreserved);
  EXPECT_THAT(state(1), HasSubstr("0000:01:00.0 (switch upstream) stands in the outgoing table of PCI devices with a "
                                  "count of 2, and 1 recorded endpoints are there or below it"));
}

TEST_F(Invariant, N01_TheIncomingTableCountsDownAsWell) {
  preserve(us(1));
  jump(us(3));
  boot(us(4));
  EXPECT_EQ(state(1), "held");
  write_table({{kRootPort, 1}});
  say(us(5), Step::FileFinished);
  EXPECT_THAT(state(1), HasSubstr("stands in the incoming table of PCI devices with a count of 1, and 0 recorded"));
}

TEST_F(Invariant, N02_AFunctionIsOutgoingJustWhenItHasAnEntry) {
  preserve(us(1));
  EXPECT_EQ(state(2), "held");
  Entries entries = recorded();
  entries.erase(kRootPort);
  write_table(entries);
  say(us(2), Step::FilePreserved);
  EXPECT_EQ(state(2), "broken: 0000:00:01.0 is outgoing and has no entry in the outgoing table of PCI devices");
}

TEST_F(Invariant, N02_AnEntryThatNoFunctionAnswersForIsFound) {
  preserve(us(1));
  say(us(2), Step::FunctionUnpreserved, id(kRootPort));
  say(us(2), Step::FilePreserved);
  EXPECT_EQ(state(2), "broken: 0000:00:01.0 has an entry in the outgoing table of PCI devices and is not outgoing");
}

TEST_F(Invariant, N02_AFunctionThatTheScanPassedByIsFound) {
  preserve(us(1));
  jump(us(3));
  boot(us(4), {kEndpoint0});
  EXPECT_EQ(state(2), "held") << "the scan has not come to it";
  enter(us(5), Phase::Enumerate, Step::FunctionFound, id(kEndpoint0));
  EXPECT_EQ(state(2), "broken: 0000:03:00.0 has an entry in the incoming table of PCI devices and is not incoming");
}

TEST_F(Invariant, N03_AnFlbIsThereJustWhileAFileDependsOnIt) {
  preserve(us(1));
  EXPECT_EQ(state(3), "held");
  say(us(2), Step::FileUnpreserved, 1);
  EXPECT_THAT(state(3), HasSubstr("FLB 0 has an outgoing object, and no file that depends on it is preserved"));
}

TEST_F(Invariant, N03_AFileWithoutItsFlbIsFound) {
  preserve(us(1), 3);
  EXPECT_THAT(state(3), HasSubstr("FLB 1 has no outgoing object, and 1 file that depend on it are preserved"));
}

TEST_F(Invariant, N03_AFileThatDependsOnNothingNeedsNone) {
  enter(us(1), Phase::Preserve, Step::FilePreserved, 0);
  EXPECT_EQ(state(3), "held");
}

TEST_F(Invariant, N04_NoVerbCompletesAfterASuccessfulFreeze) {
  preserve(us(1));
  freeze(us(2));
  EXPECT_EQ(state(4), "held");
  say(us(3), Step::SessionCreated, 2);
  EXPECT_EQ(state(4), "broken: «session created» after a successful freeze");
}

TEST_F(Invariant, N04_AfterAFailedFreezeEveryFileIsPreservedAndUnfrozen) {
  preserve(us(1));
  enter(us(2), Phase::Freeze);
  say(us(2), Step::FileFrozen);
  say(us(2), Step::FileUnfrozen);
  say(us(2), Step::FreezeFailed, 22);
  EXPECT_EQ(state(4), "held");
  enter(us(3), Phase::Freeze);
  say(us(3), Step::FileFrozen);
  say(us(3), Step::FreezeFailed, 22);
  EXPECT_EQ(state(4), "broken: 1 file stayed frozen after a failed freeze");
}

TEST_F(Invariant, N04_AFileThatAFailedFreezeLosesIsFound) {
  preserve(us(1));
  enter(us(2), Phase::Freeze);
  say(us(2), Step::FileUnpreserved, 0);
  say(us(2), Step::FreezeFailed, 22);
  EXPECT_EQ(state(4), "broken: 0 files are preserved after a failed freeze, and 1 were before it");
}

TEST_F(Invariant, N04_AFreezeThatLeavesAFileOutIsFound) {
  preserve(us(1));
  enter(us(2), Phase::Freeze);
  say(us(2), Step::FreezeSucceeded, 1);
  EXPECT_EQ(state(4), "broken: the freeze succeeded with 0 of 1 file frozen");
}

TEST_F(Invariant, N05_EveryHandedFunctionIsFound) {
  preserve(us(1));
  jump(us(3));
  boot(us(4), {kEndpoint0});
  EXPECT_EQ(state(5), "broken: 0000:03:00.0 was handed over, and enumeration by kernel B did not find it");
  EXPECT_EQ(count(Check::Handover), 0u) << "check 4 has it";
}

TEST_F(Invariant, N05_AnotherFunctionAtTheSameNumberIsFound) {
  preserve(us(1));
  jump(us(3));
  sim::ConfigWrite swap;
  swap.time = us(3);
  swap.function = kEndpoint0;
  swap.offset = pcie::config::kVendorId;
  swap.after = 0x0d18'1172;
  config.on_write(swap);
  boot(us(4));
  EXPECT_EQ(state(5), "broken: 0000:03:00.0 (endpoint 0) is another function than the one that was handed over");
}

TEST_F(Invariant, N05_NothingElseIsIncoming) {
  preserve(us(1));
  jump(us(3));
  boot(us(4));
  EXPECT_EQ(state(5), "held");
  say(us(5), Step::FunctionIncoming, id(kEndpoint1));
  EXPECT_EQ(state(5), "broken: 0000:04:00.0 is incoming and was not handed over");
}

TEST_F(Invariant, N06_ARecordedFunctionDoesNotMove) {
  preserve(us(1));
  invariants.on_places(us(2));
  EXPECT_EQ(state(6), "held");
  scene.place(kPort0, pcie::Bdf::parse("05:00.0"));
  invariants.on_places(us(3));
  EXPECT_EQ(state(6), "broken: switch port 0 moved from 0000:02:00.0 to 0000:05:00.0");
}

TEST_F(Invariant, N06_NoOtherFunctionTakesItsNumber) {
  preserve(us(1));
  scene.place(kEndpoint1, scene.bdf(kEndpoint0));
  invariants.on_places(us(3));
  EXPECT_EQ(state(6), "broken: endpoint 1 answers at 0000:03:00.0, the number of endpoint 0, which is recorded");
}

TEST_F(Invariant, N06_NoOtherFunctionSpeaksUnderItsNumber) {
  preserve(us(1));
  dma(us(2), 1, id(kEndpoint1));
  EXPECT_EQ(state(6), "held");
  dma(us(3), 1, id(kEndpoint0));
  EXPECT_EQ(state(6), "broken: endpoint 1 calls itself 0000:03:00.0, the number of endpoint 0, which is recorded");
}

TEST_F(Invariant, N06_AFinishedFunctionMayMove) {
  whole_update();
  scene.place(kEndpoint0, pcie::Bdf::parse("09:00.0"));
  invariants.on_places(us(7));
  EXPECT_EQ(state(6), "held");
}

}  // namespace
}  // namespace holdover::bench::testing
