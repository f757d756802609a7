// SPDX-License-Identifier: MIT
// Invariants 7 to 14 of live update, each broken by a scene of its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bench/ledger/identity_ledger.h"
#include "bench/ledger/request_ledger.h"
#include "bench/ledger/reset_ledger.h"
#include "tests/support/invariant_scene.h"

namespace holdover::bench::testing {
namespace {

using pcie::Phase;
using pcie::Step;
using ::testing::HasSubstr;

TEST_F(Invariant, N07_BusMasteringNeverFallsOnARecordedPath) {
  preserve(us(1));
  config.open_window(us(1), std::vector<ConfigShadow>(6));
  sim::ConfigWrite write;
  write.time = us(2);
  write.function = kPort0;
  write.offset = pcie::config::kCommand;
  write.before = pcie::config::kCommandBusMaster;
  config.on_write(write);
  EXPECT_EQ(state(7),
            "broken: bus master enable cleared at 0000:02:00.0 (switch port 0), which may never change in the "
            "window");
}

TEST_F(Invariant, N07_AFieldThatTheInvariantDoesNotNameLeavesItHeld) {
  preserve(us(1));
  find(Check::Configuration, us(2), 0, "max payload size changed");
  EXPECT_EQ(state(7), "held");
}

TEST_F(Invariant, N07_AFunctionThatMastersNothingCannotBeRecorded) {
  sim::ConfigWrite write;
  write.function = kEndpoint0;
  write.offset = pcie::config::kCommand;
  config.on_write(write);
  preserve(us(1));
  EXPECT_EQ(state(7), "broken: 0000:03:00.0 (endpoint 0) was recorded while its bus master enable was 0");
}

TEST_F(Invariant, N08_TheRequesterIdIsConstant) {
  IdentityLedger identity(scene, evidence);
  preserve(us(1));
  identity.open_window(us(1));
  pcie::Tlp tlp;
  tlp.kind = pcie::TlpKind::MemoryRead;
  tlp.requester = id(kEndpoint0);
  identity.on_transmit(us(2), 0, tlp);
  EXPECT_EQ(state(8), "held");
  tlp.requester = id(kEndpoint1);
  identity.on_transmit(us(3), 0, tlp);
  EXPECT_EQ(state(8), "broken: endpoint 0 calls itself 0000:04:00.0 where it was 0000:03:00.0");
}

class Completion : public InvariantScene {
 protected:
  Completion() : requests(scene, evidence, us(50)) {
    preserve(us(1));
    request.kind = pcie::TlpKind::MemoryRead;
    request.length_dw = 1;
    request.first_be = 0xf;
    answer.kind = pcie::TlpKind::CompletionData;
    answer.length_dw = 1;
    answer.byte_count = 4;
    requests.on_transmit(us(2), 0, request);
  }
  pcie::Tlp request;
  pcie::Tlp answer;
  RequestLedger requests;
};

TEST_F(Completion, N08_OneInTimeHoldsIt) {
  requests.on_receive(us(52), 0, answer);
  requests.on_end(us(60), true);
  EXPECT_EQ(state(8), "held");
}

TEST_F(Completion, N08_OneAfterTheTimeoutBreaksIt) {
  requests.on_receive(us(53), 0, answer);
  EXPECT_THAT(state(8), HasSubstr("was answered after the completion timeout"));
}

TEST_F(Completion, N08_NoneBreaksIt) {
  requests.on_end(us(60), true);
  EXPECT_THAT(state(8), HasSubstr("was never completed"));
}

TEST_F(Completion, N08_ASecondBreaksIt) {
  requests.on_receive(us(3), 0, answer);
  requests.on_receive(us(4), 0, answer);
  EXPECT_THAT(state(8), HasSubstr("which asked for nothing under it"));
}

TEST_F(Completion, N08_ARefusalBreaksIt) {
  answer.kind = pcie::TlpKind::Completion;
  answer.status = pcie::CompletionStatus::UnsupportedRequest;
  requests.on_receive(us(3), 0, answer);
  EXPECT_THAT(state(8), HasSubstr("was answered with"));
}

TEST_F(Completion, N08_WhatTheInvariantDoesNotNameLeavesItHeld) {
  requests.on_receive(us(3), 0, answer);
  requests.on_violation({us(4), "P-RULE", "something else"});
  EXPECT_EQ(state(8), "held");
}

TEST_F(Invariant, N09_MemoryAndItsMappingAreThoseOfTheModel) {
  preserve(us(1));
  EXPECT_EQ(state(9), "held");
  find(Check::Iommu, us(4), 0, "an IOVA page leads elsewhere");
  EXPECT_EQ(state(9), "broken: an IOVA page leads elsewhere");
  find(Check::Memory, us(3), 0, "a page was not preserved");
  EXPECT_EQ(state(9), "broken: a page was not preserved") << "the earlier of the two";
}

TEST_F(Invariant, N10_NoResetReachesARecordedEndpoint) {
  ResetLedger resets(scene, evidence);
  preserve(us(1));
  resets.on_reset(us(2), kEndpoint1, sim::ResetKind::Flr);
  EXPECT_EQ(state(10), "held") << "a neighbour";
  resets.on_reset(us(3), kEndpoint0, sim::ResetKind::Flr);
  EXPECT_THAT(state(10), HasSubstr("0000:03:00.0 (endpoint 0)"));
}

TEST_F(Invariant, N11_EveryInterruptEventIsDelivered) {
  preserve(us(1));
  EXPECT_EQ(state(11), "held");
  find(Check::Interrupts, us(2), 0, "an event was lost");
  EXPECT_EQ(state(11), "broken: an event was lost");
}

TEST_F(Invariant, N12_ABrokenHandoverIsNoNormalBoot) {
  preserve(us(1));
  jump(us(3));
  enter(us(4), Phase::EarlyBoot);
  dma(us(5), 0, id(kEndpoint0));
  enter(us(6), Phase::Enumerate);
  enter(us(7), Phase::Bind);
  invariants.on_end();
  EXPECT_EQ(state(12),
            "broken: kernel B booted as if nothing had been handed over, while 0000:03:00.0 (endpoint 0) did "
            "DMA");
  EXPECT_EQ(count(Check::Handover), 1u);
}

TEST_F(Invariant, N12_WhereCheckNineSaysThatNothingWasHandedOverItIsNotSaidTwice) {
  preserve(us(1));
  jump(us(3));
  enter(us(4), Phase::EarlyBoot);
  dma(us(5), 0, id(kEndpoint0));
  enter(us(6), Phase::Bind);
  enter(us(7), Phase::Retrieve, Step::NoHandover, 2);
  invariants.on_end();
  EXPECT_EQ(row(12).status, InvariantStatus::Broken);
  EXPECT_EQ(count(Check::Handover), 0u);
}

TEST_F(Invariant, N12_WithoutDmaANormalBootDoesNoHarm) {
  preserve(us(1));
  dma(us(2), 0, id(kEndpoint0));
  jump(us(3));
  enter(us(4), Phase::EarlyBoot);
  enter(us(6), Phase::Bind);
  invariants.on_end();
  EXPECT_EQ(state(12), "held");
}

TEST_F(Invariant, N12_AKernelThatStopsHoldsItAndWhatDevicesDoAfterwardsIsCounted) {
  preserve(us(1));
  jump(us(3));
  enter(us(4), Phase::EarlyBoot);
  dma(us(5), 0, id(kEndpoint0));
  enter(us(6), Phase::Enumerate, Step::Panic);
  dma(us(7), 0, id(kEndpoint0));
  dma(us(9), 0, id(kEndpoint0));
  invariants.on_end();
  EXPECT_EQ(state(12), "held");
  const auto after = invariants.after_panic();
  ASSERT_TRUE(after.has_value());
  EXPECT_EQ(after->requests, 2u);
  EXPECT_EQ(after->last - after->panic, us(3));
  EXPECT_EQ(after->strays, 0u);
}

TEST_F(Invariant, N12_AccessesToPagesThatNobodyOwnsAfterAPanicAreCounted) {
  preserve(us(1));
  const auto stray = [this](Time time) {
    const std::vector<std::byte> bytes(8);
    sim::MemoryAccess access;
    access.time = time;
    access.write = true;
    access.address = PhysicalAddress{5 * kPage};
    access.data = bytes;
    memory.on_access(access, enabled_run(access));
  };
  stray(us(2));
  enter(us(3), Phase::Steady, Step::Panic);
  stray(us(4));
  EXPECT_EQ(invariants.after_panic()->strays, 1u);
}

TEST_F(Invariant, N13_AFileIsRestoredOnce) {
  preserve(us(1));
  jump(us(3));
  boot(us(4));
  retrieve(us(5));
  say(us(6), Step::FileRetrieved, kFile);
  finish(us(7));
  EXPECT_EQ(state(13), "held");
  say(us(8), Step::FileRestored, kFile);
  EXPECT_EQ(state(13), "broken: the file under token 7 was restored by its handler twice");
}

TEST_F(Invariant, N13_AFailedRetrieveIsSticky) {
  retrieve(us(5), 19);
  say(us(6), Step::FileRetrieved, kFile | 19);
  EXPECT_EQ(state(13), "not judged");
  say(us(7), Step::FileRetrieved, kFile);
  EXPECT_EQ(state(13), "broken: a retrieve of the file under token 7 returned errno 0 after errno 19");
}

TEST_F(Invariant, N13_ARefusedFinishFinishesNothing) {
  say(us(1), Step::FinishRefused, 16);
  EXPECT_EQ(state(13), "held");
  say(us(2), Step::FileFinished);
  say(us(2), Step::FinishRefused, 16);
  EXPECT_EQ(state(13), "broken: a finish was refused after it had finished 1 file");
}

TEST_F(Invariant, N13_AFinishFinishesEveryFile) {
  say(us(2), Step::FileFinished);
  say(us(2), Step::SessionFinished, 2);
  EXPECT_EQ(state(13), "broken: a finish finished 1 of 2 files");
}

TEST_F(Invariant, N13_AnFlbIsFinishedOnce) {
  whole_update();
  say(us(7), Step::FlbFinished, 0);
  EXPECT_EQ(state(13), "broken: FLB 0 was finished and was not there");
}

TEST_F(Invariant, N13_AnFlbWhoseFilesAreFinishedIsFinished) {
  preserve(us(1));
  jump(us(3));
  boot(us(4));
  retrieve(us(5));
  enter(us(6), Phase::Finish);
  say(us(6), Step::FileFinished);
  say(us(6), Step::SessionFinished, 1);
  EXPECT_EQ(state(13), "broken: FLB 0 is not finished, and every file that was handed over is");
}

TEST_F(Invariant, N13_AnFlbIsFinishedWithNoDeviceLeftInIt) {
  preserve(us(1));
  jump(us(3));
  boot(us(4));
  finish(us(6), {{kRootPort, 1}});
  EXPECT_EQ(state(13), "broken: the incoming table of PCI devices was finished with 1 devices left in it");
}

TEST_F(Invariant, N14_LiveUpdatesAreCountedByOne) {
  preserve(us(1));
  jump(us(3), 1);
  EXPECT_EQ(state(14), "held");
  enter(us(4), Phase::Preserve);
  invariants.on_jump(us(5), image(3, {}));
  EXPECT_EQ(state(14), "broken: kernel B hands over as live update 3, and 2 is the next");
}

TEST_F(Invariant, N14_WhatOneUpdateOfAChainChangesBreaksTheChain) {
  preserve(us(1));
  jump(us(3), 1);
  find(Check::Memory, us(4), 0, "a byte changed");
  EXPECT_EQ(state(14), "held") << "one update is no chain";
  enter(us(4), Phase::Preserve);
  invariants.on_jump(us(5), image(2, {}));
  scene.on_jump(us(5));
  EXPECT_EQ(state(14), "broken: a byte changed");
}

TEST_F(Invariant, N14_NoLinkIsToldToRetrain) {
  std::vector<std::byte> bytes(4096);
  const auto set = [&bytes](unsigned offset, unsigned value) { bytes[offset] = static_cast<std::byte>(value); };
  set(0x06, 0x10);  // capabilities list
  set(pcie::config::kHeaderType, 1);
  set(0x34, 0x40);
  set(0x40, pcie::config::kCapExpress);
  config.begin(std::vector<ConfigShadow>(6, ConfigShadow(bytes)));
  preserve(us(1));
  jump(us(3), 1);
  sim::ConfigWrite write;
  write.time = us(4);
  write.function = kPort0;
  write.offset = 0x40 + pcie::config::kExpressLinkControl;
  write.byte_enables = 0x3;
  write.written = 1;
  invariants.on_config_write(write);
  EXPECT_EQ(state(14), "held");
  write.written = pcie::config::kLinkControlRetrain;
  invariants.on_config_write(write);
  EXPECT_EQ(state(14), "broken: the link below 0000:02:00.0 (switch port 0) was told to retrain");
}

}  // namespace
}  // namespace holdover::bench::testing
