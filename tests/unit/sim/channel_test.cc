// SPDX-License-Identifier: MIT
// One direction of a link: order, credits and their updates, replay.
#include "sim/channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "sim/link.h"
#include "tests/unit/sim/channel_fixture.h"

namespace holdover::sim {
namespace {

using pcie::FlowClass;
using pcie::TlpKind;
using testing::ElementsAre;

struct ChannelTest : testing::Test {
  Channel make(const ChannelConfig& config) {
    return Channel{scheduler, Random{1, "test"}, LinkRate{LinkConfig{}, 1}, Time{20'000}, config};
  }
  Scheduler scheduler;
  Receiver receiver;
};

TEST_F(ChannelTest, APacketArrivesAfterSerializationAndPropagation) {
  Channel channel = make({});
  channel.set_receiver(receiver);
  channel.send(Packet{tlp(TlpKind::MemoryWrite, 1, 64), 0});
  std::uint64_t carry = 0;
  const Time arrival = LinkRate{LinkConfig{}, 1}.wire_time(Bytes{12 + 64}, carry) + Time{20'000};
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

// Damages packets as often as it may.
TEST_F(ChannelTest, WhatIsSentAgainArrivesOnceInOrderAndNotLaterThanItsCost) {
  ChannelConfig config;
  config.replay_wait = Time{100'000};
  Channel channel = make(config);
  channel.set_receiver(receiver);
  const Time longest = LinkRate{LinkConfig{}, 1}.time_of(Bytes{12 + 256});
  Time gap;
  Time last;
  std::uint16_t sent = 0;
  while (sent < 30'000) {
    while (channel.has_room(FlowClass::Posted)) channel.send(Packet{tlp(TlpKind::MemoryWrite, sent++, 256), 0});
    const std::size_t arrived = receiver.tags.size();
    scheduler.run_until(scheduler.now() + Time{1000});
    if (receiver.tags.size() == arrived) continue;
    gap = std::max(gap, scheduler.now() - last);
    last = scheduler.now();
  }
  scheduler.run_until(scheduler.now() + 10_us);
  EXPECT_GT(channel.replays(), 20u);
  ASSERT_EQ(receiver.tags.size(), sent);
  for (std::uint16_t i = 0; i < sent; ++i) ASSERT_EQ(receiver.tags[i], i);
  EXPECT_GT(gap, longest * 2) << "a replay takes time";
  EXPECT_LE(gap, longest + replay_cost(longest, config.replay_wait, Time{20'000}, Time{0}) + Time{1000});
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

TEST(FlowControlUpdates, ComeAtOnceWhereAQuarterOfTheCreditsIsFree) {
  Scheduler scheduler;
  const LinkConfig config{3, 8, Time{20'000}};
  const LinkRate rate{config, 1};
  ChannelConfig channel_config;
  channel_config.header_credits = {16, 16, 16};
  Channel channel{scheduler, Random{1, "test"}, rate, config.propagation, channel_config};
  for (std::uint16_t i = 0; i < 4; ++i) channel.send(Packet{tlp(TlpKind::MemoryWrite, i, 64), 0});
  scheduler.run_until(1_us);
  EXPECT_EQ(channel.credits(FlowClass::Posted), 12u);
  for (unsigned i = 0; i < 4; ++i) (void)channel.take(FlowClass::Posted);
  scheduler.run_until(1_us + rate.update_time() + config.propagation);
  EXPECT_EQ(channel.credits(FlowClass::Posted), 16u);
  EXPECT_EQ(channel.updates(), 1u);
}

// Two sides that send whatever there is room for, and take when they like.
struct BusyLink : testing::Test {
  struct Taker final : ChannelReceiver {
    void on_arrival(Channel&) override {}
  };
  BusyLink() : link{scheduler, 1, "link", parameters(), [](bool) {}} {}
  static LinkParameters parameters() {
    LinkParameters parameters;
    parameters.config.propagation = Time{20'000};
    for (ChannelConfig* channel : {&parameters.down, &parameters.up}) {
      channel->header_credits = {6, 4, 5};
      channel->data_credits = {48, 4, 40};
      channel->credit_delay_max = {Time{100'000}, Time{0}, Time{50'000}};
      channel->credit_hold = {Time{300'000}, Time{0}, Time{0}};
      channel->replay_wait = Time{50'000};
    }
    return parameters;
  }
  void send_some(Channel& channel) {
    for (const TlpKind kind : {TlpKind::MemoryWrite, TlpKind::MemoryRead, TlpKind::CompletionData}) {
      if (random.below(3) != 0 || !channel.has_room(pcie::flow_class(kind))) continue;
      const unsigned bytes = kind == TlpKind::MemoryRead ? 0 : 4 * static_cast<unsigned>(random.below(64) + 1);
      channel.send(Packet{tlp(kind, 0, bytes), 0});
    }
  }
  void take_some(Channel& channel, unsigned one_in) {
    while (random.below(one_in) == 0) {
      const auto flow = channel.received().oldest([](const Packet&) { return true; });
      if (!flow) return;
      (void)channel.take(*flow);
      ++taken;
    }
  }
  void step(unsigned one_in) {
    for (Channel* channel : {&link.down(), &link.up()}) {
      take_some(*channel, one_in);
      for (const FlowClass flow : kFlowClasses) {
        const std::size_t index = index_of(flow);
        EXPECT_LE(channel->credits(flow), channel->config().header_credits[index]);
        EXPECT_LE(channel->data_credits(flow), channel->config().data_credits[index]);
        ran_out[index] = ran_out[index] || channel->credits(flow) == 0;
      }
    }
    scheduler.run_until(scheduler.now() + Time{5000});
  }

  Scheduler scheduler;
  Link link;
  Random random{7, "test"};
  std::uint64_t taken = 0;
  std::array<bool, 3> ran_out{};
};

TEST_F(BusyLink, CreditsRunOutAndAllComeBack) {
  for (unsigned i = 0; i < 40'000; ++i) {
    send_some(link.down());
    send_some(link.up());
    step(2);
  }
  EXPECT_THAT(ran_out, testing::Each(true));
  EXPECT_GT(taken, 5000u);
  const std::uint64_t updates = link.down().updates() + link.up().updates();
  EXPECT_GT(updates, taken / 8);
  EXPECT_LT(updates, taken) << "one update gives back several credits";
  EXPECT_GT(link.down().replays() + link.up().replays(), 0u);
  for (unsigned i = 0; i < 2000; ++i) step(1);
  for (Channel* channel : {&link.down(), &link.up()}) {
    EXPECT_TRUE(channel->received().empty());
    for (const FlowClass flow : kFlowClasses) {
      EXPECT_EQ(channel->queued(flow), 0u);
      EXPECT_EQ(channel->credits(flow), channel->config().header_credits[index_of(flow)]);
      EXPECT_EQ(channel->data_credits(flow), channel->config().data_credits[index_of(flow)]);
      EXPECT_EQ(channel->held(flow), Bytes{0});
    }
  }
}

// Time that 500 packets take downwards while so many go up and give their credits back on the same wire.
Time time_beside(unsigned upward) {
  Scheduler scheduler;
  LinkParameters parameters;
  parameters.config = LinkConfig{1, 1, Time{20'000}};
  Link link{scheduler, 1, "link", parameters, [](bool) {}};
  Receiver above;
  Receiver below;
  link.up().set_receiver(above);
  link.down().set_receiver(below);
  unsigned sent = 0;
  unsigned sent_up = 0;
  while (below.tags.size() < 500) {
    if (sent < 500 && link.down().has_room(FlowClass::Posted)) {
      link.down().send(Packet{tlp(TlpKind::MemoryWrite, 0, 64), 0});
      ++sent;
    }
    if (sent_up < upward && link.up().has_room(FlowClass::Posted)) {
      link.up().send(Packet{tlp(TlpKind::MemoryWrite, 0, 64), 0});
      ++sent_up;
    }
    scheduler.run_until(scheduler.now() + Time{10'000});
  }
  return scheduler.now();
}

TEST(FlowControlUpdates, TakeTheWireOfTheOtherDirection) {
  const Time update = LinkRate{LinkConfig{1, 1, Time{0}}, 0}.update_time();
  EXPECT_GT(time_beside(400), time_beside(0) + update * 90);
}

TEST(FlowControlUpdates, ComeWithinTheGuidelineWhereNothingHoldsThemBack) {
  Scheduler scheduler;
  const LinkConfig config{3, 8, Time{20'000}};
  const LinkRate rate{config, 1};
  Channel channel{scheduler, Random{1, "test"}, rate, config.propagation, ChannelConfig{}};
  Receiver receiver;
  channel.set_receiver(receiver);
  channel.send(Packet{tlp(TlpKind::MemoryWrite, 1, 64), 0});
  while (receiver.tags.empty()) scheduler.run_until(scheduler.now() + Time{1000});
  const Time taken = scheduler.now();
  EXPECT_EQ(channel.credits(FlowClass::Posted), 63u);
  scheduler.run_until(taken + rate.update_latency());
  EXPECT_EQ(channel.credits(FlowClass::Posted), 63u) << "it waits for more";
  scheduler.run_until(taken + rate.update_latency() + rate.update_time() + config.propagation);
  EXPECT_EQ(channel.credits(FlowClass::Posted), 64u);
}

}  // namespace
}  // namespace holdover::sim
