// SPDX-License-Identifier: MIT
// Scene and evidence: which kernel, which window, which endpoints; and which event explains which finding.
#include "bench/ledger/evidence.h"

#include "bench/ledger/identity_ledger.h"
#include "bench/ledger/reset_ledger.h"
#include "bench/ledger/translation_ledger.h"
#include "tests/support/bench_scene.h"

namespace holdover::bench::testing {
namespace {

using pcie::Phase;
using pcie::Step;

class EvidenceTest : public BenchScene {
 protected:
  void lose(Time time, Time since, unsigned endpoint = 0) {
    Evidence::Observation observation;
    observation.time = time;
    observation.since = since;
    observation.endpoint = endpoint;
    observation.sentence = "lost";
    evidence.find(Check::Continuity, observation);
  }
};

TEST_F(EvidenceTest, TheFirstActSinceAllWasWellIsTheCause) {
  mark(us(100), Phase::Shutdown);
  evidence.disrupt(us(100), 1, Rank::Act, Evidence::kTraffic, "first");
  evidence.disrupt(us(101), 1, Rank::Act, Evidence::kTraffic, "second");
  lose(us(110), us(100));
  EXPECT_EQ(cause(Check::Continuity).substr(0, 5), "first");
}

TEST_F(EvidenceTest, AnActOnAnotherEndpointExplainsNothing) {
  evidence.disrupt(us(100), 2, Rank::Act, Evidence::kTraffic, "neighbour");
  lose(us(110), us(100), 0);
  EXPECT_EQ(cause(Check::Continuity), "");
}

TEST_F(EvidenceTest, AnActExplainsBeforeItsConsequences) {
  evidence.disrupt(us(99), 1, Rank::Consequence, Evidence::kTraffic, "fault");
  evidence.disrupt(us(100), 1, Rank::Act, Evidence::kTraffic, "act");
  lose(us(110), us(100));
  EXPECT_EQ(cause(Check::Continuity).substr(0, 3), "act");
}

TEST_F(EvidenceTest, WhatHappenedBeforeTheWindowExplainsNothingLongAfterwards) {
  evidence.disrupt(us(1), 1, Rank::Act, Evidence::kTraffic, "reset while setting up");
  open_window(us(50));
  lose(us(200), us(190));
  EXPECT_EQ(cause(Check::Continuity), "");
}

TEST_F(EvidenceTest, FindingsOfEndpointsThatAreNotAskedForDoNotCount) {
  lose(us(1), us(1), 1);
  EXPECT_EQ(evidence.count(Check::Continuity, 0x1), 0u);
  EXPECT_EQ(evidence.count(Check::Continuity, 0x2), 1u);
}

TEST_F(EvidenceTest, OnlyRecordedEndpointsAreJudgedOnceThereAreAny) {
  EXPECT_EQ(scene.judged_endpoints(), 0x3u);
  mark(us(1), Phase::Preserve, Step::FunctionPreserved, pcie::Bdf::parse("04:00.0").requester_id());
  EXPECT_EQ(scene.judged_endpoints(), 0x2u);
}

TEST_F(EvidenceTest, PhasesAfterTheJumpBelongToTheSecondKernel) {
  mark(us(1), Phase::Shutdown);
  scene.on_jump(us(2));
  EXPECT_EQ(scene.host(), "nobody");
  mark(us(3), Phase::EarlyBoot);
  EXPECT_EQ(scene.host(), "kernel B");
  EXPECT_EQ(scene.segment_at(us(1)).host, "kernel A");
}

TEST_F(EvidenceTest, AnUnplannedEndClosesTheWindow) {
  open_window(us(1));
  mark(us(5), Phase::Retrieve, Step::NoHandover, 2);
  EXPECT_EQ(scene.window_end(), us(5));
}

TEST_F(EvidenceTest, AResetOfABridgeCountsForTheJudgedEndpointBelowIt) {
  ResetLedger resets(scene, evidence);
  resets.on_reset(us(1), kEndpoint0, sim::ResetKind::Fundamental);  // before any traffic
  EXPECT_EQ(count(Check::ResetAndLink), 0u);
  open_window(us(2));
  resets.on_reset(us(3), kUpstreamPort, sim::ResetKind::HotReset);
  EXPECT_EQ(first(Check::ResetAndLink), "hot reset of 0000:01:00.0 (switch upstream)");
}

TEST_F(EvidenceTest, AnEndpointThatCallsItselfOtherwiseIsFoundOnce) {
  IdentityLedger identity(scene, evidence);
  open_window(us(1));
  identity.open_window(us(1));
  pcie::Tlp tlp;
  tlp.requester = pcie::Bdf::parse("03:00.0").requester_id();
  identity.on_transmit(us(2), 0, tlp);
  EXPECT_EQ(count(Check::Bdf), 0u);
  tlp.requester = 0;
  identity.on_transmit(us(3), 0, tlp);
  identity.on_transmit(us(4), 0, tlp);
  EXPECT_EQ(first(Check::Bdf), "endpoint 0 calls itself 0000:00:00.0 where it was 0000:03:00.0");
  EXPECT_EQ(count(Check::Bdf), 1u);
}

TEST_F(EvidenceTest, OnlyAKernelThatCameToTheEndOfItsEnumerationCanHaveMissedAFunction) {
  for (const bool panics : {true, false}) {
    IdentityLedger identity(scene, evidence);
    open_window(us(1));
    identity.open_window(us(1));
    scene.on_jump(us(2));
    scene.on_phase(us(3), pcie::Phase::EarlyBoot, pcie::Step::Begin, 0);
    scene.on_phase(us(4), pcie::Phase::Enumerate, pcie::Step::Begin, 0);
    if (!panics) scene.on_phase(us(5), pcie::Phase::Bind, pcie::Step::Begin, 0);
    scene.on_phase(us(6), pcie::Phase::After, pcie::Step::Panic, 0);
    EXPECT_EQ(scene.panicked_in(), pcie::Phase::Enumerate) << "the first one";
    identity.close_window(us(6));
    EXPECT_EQ(count(Check::Bdf) == 0, panics);
  }
}

TEST_F(EvidenceTest, AnIovaThatMovesInTheWindowIsFoundAndABypassToo) {
  TranslationLedger iommu(scene, evidence);
  open_window(us(1));
  sim::MemoryAccess access;
  access.time = us(2);
  access.iova = Iova{0x5000};
  access.address = PhysicalAddress{0x9000};
  iommu.on_access(access);
  iommu.on_access(access);
  EXPECT_EQ(count(Check::Iommu), 0u);
  access.address = PhysicalAddress{0xa000};
  iommu.on_access(access);
  EXPECT_EQ(first(Check::Iommu), "IOVA page 0x5000 of endpoint 0 led to physical page 0x9000 and leads to 0xa000 now");
  access.translated = false;
  iommu.on_access(access);
  EXPECT_EQ(count(Check::Iommu), 2u);
  EXPECT_EQ(iommu.bypasses(), 1u);
}

}  // namespace
}  // namespace holdover::bench::testing
