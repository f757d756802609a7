// SPDX-License-Identifier: MIT
// The handover is held against the scenario, not against what the host chose to say about it.
#include "bench/ledger/handover_ledger.h"

#include "tests/support/bench_scene.h"

namespace holdover::bench::testing {
namespace {

class Handover : public BenchScene {
 protected:
  Handover() : ledger(scene, evidence) { scene.expect_handover(1); }

  // Everything that a whole update says of endpoint 0, in its order.
  void update(bool begun_in_time = true, bool ended_by_second = true) {
    const std::uint64_t id = scene.bdf(kEndpoint0).requester_id();
    mark(us(1), pcie::Phase::Preserve, pcie::Step::FunctionPreserved, id);
    if (begun_in_time) open_window(us(1));
    if (!ended_by_second) mark(us(2), pcie::Phase::Preserve, pcie::Step::WindowEnd);
    scene.on_jump(us(3));
    mark(us(4), pcie::Phase::Retrieve, pcie::Step::FunctionRetrieved, id);
    mark(us(5), pcie::Phase::Finish, pcie::Step::FunctionFinished, id);
    mark(us(6), pcie::Phase::Finish, pcie::Step::WindowEnd);
    ledger.on_end(us(9), 1);
  }

  HandoverLedger ledger;
};

TEST_F(Handover, AWholeUpdateIsNoFinding) {
  update();
  EXPECT_EQ(count(Check::Handover), 0u) << first(Check::Handover);
}

TEST_F(Handover, AnEndpointThatTheHostNeverMentionsIsMissed) {
  scene.expect_handover(3);
  update();
  EXPECT_EQ(first(Check::Handover), "0000:04:00.0 (endpoint 1) was never retrieved");
  EXPECT_EQ(scene.judged_endpoints(), 3u);
}

TEST_F(Handover, AWindowThatNobodyOpenedBeforeTheFreezeIsFound) {
  update(false);
  EXPECT_EQ(first(Check::Handover), "nobody said before the freeze that a preserve had succeeded");
}

TEST_F(Handover, AWindowThatTheFirstKernelClosedIsFound) {
  update(true, false);
  EXPECT_EQ(first(Check::Handover), "kernel A said that the session was finished, before the jump");
}

TEST_F(Handover, ASessionWithoutItsFilesIsFound) {
  HandoverImage image;
  image.live_update.emplace();
  image.live_update->sessions.emplace_back();
  ledger.on_jump(us(3), image, 0);
  EXPECT_EQ(first(Check::Handover), "the session has 0 files, and 1 endpoints were to be handed over");
}

TEST_F(Handover, AnUpdateThatNeverCameIsFound) {
  const std::uint64_t id = scene.bdf(kEndpoint0).requester_id();
  mark(us(1), pcie::Phase::Preserve, pcie::Step::FunctionPreserved, id);
  open_window(us(1));
  scene.on_jump(us(3));
  ledger.on_end(us(9), 2);
  EXPECT_EQ(first(Check::Handover), "only 1 of 2 updates came to the jump");
}

TEST_F(Handover, AKernelOfAChainThatFinishedNothingIsFound) {
  const std::uint64_t id = scene.bdf(kEndpoint0).requester_id();
  mark(us(1), pcie::Phase::Preserve, pcie::Step::FunctionPreserved, id);
  open_window(us(1));
  for (const std::uint64_t start : {std::uint64_t{3}, std::uint64_t{6}}) {
    scene.on_jump(us(start));
    mark(us(start + 1), pcie::Phase::Retrieve, pcie::Step::FunctionRetrieved, id);
    if (start == 3) mark(us(start + 2), pcie::Phase::Finish, pcie::Step::FunctionFinished, id);
  }
  mark(us(8), pcie::Phase::Finish, pcie::Step::WindowEnd);
  ledger.on_end(us(9), 2);
  EXPECT_EQ(first(Check::Handover), "0000:03:00.0 (endpoint 0) was under kernel C never finished");
}

// Kernel A hands over what a cold boot made, so the second update is the first that can be held against another.
TEST_F(Handover, AChainOfEqualKernelsMustNotHandOverMoreEachTime) {
  HandoverImage image;
  image.live_update.emplace();
  image.live_update->sessions.emplace_back().files.resize(6);
  image.devices.emplace();
  for (const sim::FunctionIndex function : scene.path(0)) image.devices->push_back({scene.bdf(function), 1});
  ledger.expect_equal_amounts();
  image.pages = 90;
  ledger.on_jump(us(3), image, 500);
  image.pages = 92;
  ledger.on_jump(us(4), image, 400);
  ledger.on_jump(us(5), image, 400);
  EXPECT_EQ(count(Check::Handover), 0u) << first(Check::Handover);
  ledger.on_jump(us(6), image, 399);
  const std::string found = first(Check::Handover);
  EXPECT_EQ(found.find("update 4 hands over 1 sessions, 6 files"), 0u) << found;
  EXPECT_NE(found.find("with 399 pages left; the one before it"), std::string::npos) << found;
  EXPECT_NE(found.find("with 400 pages left: something leaks"), std::string::npos) << found;
}

}  // namespace
}  // namespace holdover::bench::testing
