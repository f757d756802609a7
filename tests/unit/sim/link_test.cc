// SPDX-License-Identifier: MIT
// Rates, order, credits and states of links.
#include "sim/link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "pcie/error.h"

namespace holdover::sim {
namespace {

using pcie::FlowClass;
using pcie::TlpKind;
using testing::ElementsAre;

pcie::Tlp tlp(TlpKind kind, std::uint16_t tag, unsigned bytes = 0) {
  pcie::Tlp value;
  value.kind = kind;
  value.tag = tag;
  value.payload.resize(bytes);
  value.length_dw = static_cast<std::uint16_t>(bytes / 4);
  return value;
}

struct Receiver final : ChannelReceiver {
  void on_arrival(Channel& channel) override {
    if (!taking) return;
    while (const auto flow = channel.received().oldest([](const Packet&) { return true; })) {
      tags.push_back(channel.take(*flow).tlp.tag);
    }
  }
  bool taking = true;
  std::vector<std::uint16_t> tags;
};

struct ChannelTest : testing::Test {
  Channel make(const ChannelConfig& config) {
    return Channel{scheduler, Random{1, "test"}, LinkRate{LinkConfig{}, 1}, Time{20'000}, config};
  }
  Scheduler scheduler;
  Receiver receiver;
};

// pcie-bench's model: 64.0 GT/s raw, 128b/130b, 203 bytes between acknowledgements: 57.8848 Gb/s for TLPs.
TEST(LinkRate, FollowsThePublishedFigures) {
  const LinkRate rate{LinkConfig{3, 8, Time{0}}, 1};
  std::uint64_t carry = 0;
  Time total;
  for (int i = 0; i < 100'000; ++i) total += rate.time_of(Bytes{16 + 256}, carry);
  // 256 bytes of payload with a 64-bit address: 52.923 Gb/s.
  const std::uint64_t megabits = std::uint64_t{100'000} * 256 * 8 * 1'000'000 / total.count();
  EXPECT_EQ(megabits, 52'923u);
}

TEST(LinkRate, EveryGenerationIsFasterThanTheOneBefore) {
  Time before{~std::uint64_t{0}};
  for (unsigned generation = 1; generation <= 5; ++generation) {
    const Time time = LinkRate{LinkConfig{generation, 4, Time{0}}, 1}.time_of(Bytes{272});
    EXPECT_LT(time, before);
    before = time;
  }
}

TEST(LinkRate, LinksHaveNames) {
  const LinkConfig link = select_link("gen4x16");
  EXPECT_EQ(link.generation, 4u);
  EXPECT_EQ(link.lanes, 16u);
  EXPECT_EQ(link.propagation, LinkConfig{}.propagation);
  for (const char* const name : {"gen0x1", "gen6x1", "gen3x12", "gen3x", "Gen3x8"}) {
    EXPECT_THROW((void)select_link(name), Error) << name;
  }
}

TEST(LinkRate, RefusesLinksThatDoNotExist) {
  EXPECT_THROW((LinkRate{LinkConfig{6, 8, Time{0}}, 0}), Error);
  EXPECT_THROW((LinkRate{LinkConfig{3, 3, Time{0}}, 0}), Error);
}

TEST_F(ChannelTest, APacketArrivesAfterSerializationAndPropagation) {
  Channel channel = make({});
  channel.set_receiver(receiver);
  channel.send(Packet{tlp(TlpKind::MemoryWrite, 1, 64), 0});
  const Time arrival = LinkRate{LinkConfig{}, 1}.time_of(Bytes{12 + 64}) + Time{20'000};
  scheduler.run_until(arrival - Time{2});
  EXPECT_THAT(receiver.tags, ElementsAre());
  scheduler.run_until(arrival);
  EXPECT_THAT(receiver.tags, ElementsAre(1));
}

TEST_F(ChannelTest, PostedPassesNonPostedThatHasNoCreditsAndIsPassedByNobody) {
  ChannelConfig config;
  config.header_credits = {8, 1, 8};
  config.data_credits = {64, 1, 64};
  Channel channel = make(config);
  channel.set_receiver(receiver);
  receiver.taking = false;  // no credit comes back
  channel.send(Packet{tlp(TlpKind::MemoryRead, 1), 0});
  channel.send(Packet{tlp(TlpKind::MemoryRead, 2), 0});
  channel.send(Packet{tlp(TlpKind::MemoryWrite, 3, 32), 0});
  channel.send(Packet{tlp(TlpKind::Completion, 4), 0});
  scheduler.run_until(1_us);
  EXPECT_EQ(channel.queued(FlowClass::NonPosted), 1u);
  EXPECT_EQ(channel.queued(FlowClass::Posted), 0u);
  EXPECT_EQ(channel.received().size(), 3u);
  // A completion behind a posted request is not eligible before that is gone.
  EXPECT_FALSE(channel.received().eligible(FlowClass::Completion));
  EXPECT_EQ(channel.take(FlowClass::Posted).tlp.tag, 3);
  EXPECT_TRUE(channel.received().eligible(FlowClass::Completion));
  EXPECT_EQ(channel.take(FlowClass::NonPosted).tlp.tag, 1);
  scheduler.run_until(3_us);
  EXPECT_EQ(channel.take(FlowClass::NonPosted).tlp.tag, 2);
}

TEST_F(ChannelTest, ReceiveBuffersNeverHoldMoreThanTheirCredits) {
  ChannelConfig config;
  config.transmit_slots = {64, 16, 8};
  config.header_credits = {4, 4, 4};
  config.data_credits = {10, 4, 4};
  Channel channel = make(config);
  for (std::uint16_t i = 0; i < 20; ++i) channel.send(Packet{tlp(TlpKind::MemoryWrite, i, 64), 0});
  scheduler.run_until(10_us);
  EXPECT_EQ(channel.received().size(), 2u);  // 10 units of 16 bytes hold two payloads of 64
  EXPECT_EQ(channel.held(FlowClass::Posted), Bytes{128});
  channel.set_receiver(receiver);
  for (unsigned i = 0; i < 2; ++i) receiver.tags.push_back(channel.take(FlowClass::Posted).tlp.tag);
  scheduler.run_until(100_us);
  ASSERT_EQ(receiver.tags.size(), 20u);
  for (std::uint16_t i = 0; i < 20; ++i) EXPECT_EQ(receiver.tags[i], i);
}

TEST_F(ChannelTest, InfiniteCompletionCreditsNeverStopCompletions) {
  ChannelConfig config;
  config.transmit_slots = {8, 8, 200};
  config.header_credits[2] = 0;
  Channel channel = make(config);
  for (unsigned i = 0; i < 150; ++i) channel.send(Packet{tlp(TlpKind::CompletionData, 0, 256), 0});
  scheduler.run_until(100_us);
  EXPECT_EQ(channel.received().size(FlowClass::Completion), 150u);
}

TEST_F(ChannelTest, ShutDropsEverythingAndOpensWithAllCredits) {
  ChannelConfig config;
  config.header_credits = {2, 2, 2};
  Channel channel = make(config);
  for (std::uint16_t i = 0; i < 6; ++i) channel.send(Packet{tlp(TlpKind::MemoryWrite, i, 32), 0});
  scheduler.run_until(1_us);
  channel.set_shut(true);
  EXPECT_TRUE(channel.received().empty());
  channel.send(Packet{tlp(TlpKind::MemoryWrite, 9, 32), 0});
  channel.set_shut(false);
  EXPECT_EQ(channel.credits(FlowClass::Posted), 2u);
  channel.set_receiver(receiver);
  channel.send(Packet{tlp(TlpKind::MemoryWrite, 10, 32), 0});
  scheduler.run_until(2_us);
  EXPECT_THAT(receiver.tags, ElementsAre(10));
}

struct Below final : LinkLower {
  void on_conventional_reset(ResetKind kind, bool asserted) override { resets.emplace_back(kind, asserted); }
  std::vector<std::pair<ResetKind, bool>> resets;
};

TEST(Link, HotResetHoldsWhatIsBelowUntilTheLinkHasTrained) {
  Scheduler scheduler;
  std::vector<bool> states;
  Link link{scheduler, 1, "link", LinkParameters{}, [&](bool up) { states.push_back(up); }};
  Below below;
  link.set_lower(below);
  EXPECT_TRUE(link.is_up());
  link.set_hot_reset(true);
  EXPECT_FALSE(link.is_up());
  scheduler.run_until(50_us);
  EXPECT_THAT(below.resets, ElementsAre(std::pair{ResetKind::HotReset, true}));
  link.set_hot_reset(false);
  EXPECT_TRUE(link.is_training());
  scheduler.run_until(50_us + kTrainingTime);
  EXPECT_TRUE(link.is_up());
  EXPECT_THAT(below.resets, ElementsAre(std::pair{ResetKind::HotReset, true}, std::pair{ResetKind::HotReset, false}));
  EXPECT_THAT(states, ElementsAre(false, true));
}

TEST(Link, ALinkThatIsDisabledWhileItTrainsStaysDown) {
  Scheduler scheduler;
  Link link{scheduler, 1, "link", LinkParameters{}, [](bool) {}};
  link.lose();
  EXPECT_TRUE(link.is_training());
  link.set_disabled(true);
  scheduler.run_until(kTrainingTime * 3);
  EXPECT_FALSE(link.is_up());
  link.set_disabled(false);
  scheduler.run_until(kTrainingTime * 5);
  EXPECT_TRUE(link.is_up());
}

TEST(Link, RecoveryDelaysAndLosesNothing) {
  Scheduler scheduler;
  Link link{scheduler, 1, "link", LinkParameters{}, [](bool) {}};
  Receiver receiver;
  link.up().set_receiver(receiver);
  link.recover();
  link.up().send(Packet{tlp(TlpKind::MemoryWrite, 1, 32), 0});
  scheduler.run_until(kRecoveryTime);
  EXPECT_THAT(receiver.tags, ElementsAre());
  scheduler.run_until(kRecoveryTime + 1_us);
  EXPECT_THAT(receiver.tags, ElementsAre(1));
}

}  // namespace
}  // namespace holdover::sim
