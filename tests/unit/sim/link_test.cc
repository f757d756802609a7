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

struct Below final : LinkLower {
  void on_conventional_reset(ResetKind kind, bool asserted) override { resets.emplace_back(kind, asserted); }
  void on_power(bool on) override { powers.push_back(on); }
  std::vector<std::pair<ResetKind, bool>> resets;
  std::vector<bool> powers;
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

TEST(Link, WithoutPowerTheResetIsAFundamentalOneWhateverWasBefore) {
  Scheduler scheduler;
  Link link{scheduler, 1, "link", LinkParameters{}, [](bool) {}};
  Below below;
  link.set_lower(below);
  link.set_disabled(true);
  link.set_power(false);
  link.set_disabled(false);
  scheduler.run_until(kTrainingTime * 2);
  EXPECT_FALSE(link.is_up()) << "nothing trains without power";
  EXPECT_THAT(below.resets, ElementsAre(std::pair{ResetKind::LinkDown, true}, std::pair{ResetKind::Fundamental, true}));
  EXPECT_THAT(below.powers, ElementsAre(false));
  link.set_power(true);
  EXPECT_THAT(below.powers, ElementsAre(false, true));
  scheduler.run_until(kTrainingTime * 3);
  EXPECT_TRUE(link.is_up());
  EXPECT_EQ(below.resets.back(), (std::pair{ResetKind::Fundamental, false}));
}

TEST(Link, BothEndsForgetEverythingWhenItIsLost) {
  Scheduler scheduler;
  Link link{scheduler, 1, "link", LinkParameters{}, [](bool) {}};
  Receiver above;
  Receiver below;
  above.taking = below.taking = false;
  link.up().set_receiver(above);
  link.down().set_receiver(below);
  for (Channel* channel : {&link.up(), &link.down()}) {
    for (std::uint16_t i = 0; i < 4; ++i) channel->send(Packet{tlp(TlpKind::MemoryWrite, i, 256), 0});
  }
  scheduler.run_until(100_ns);  // some have arrived, one is on the wire, some wait
  link.lose();
  EXPECT_FALSE(link.is_up());
  above.taking = below.taking = true;
  for (Channel* channel : {&link.up(), &link.down()}) channel->send(Packet{tlp(TlpKind::MemoryWrite, 8, 32), 0});
  scheduler.run_until(kTrainingTime * 2);
  EXPECT_TRUE(link.is_up());
  for (Channel* channel : {&link.up(), &link.down()}) channel->send(Packet{tlp(TlpKind::MemoryWrite, 9, 32), 0});
  scheduler.run_until(kTrainingTime * 3);
  EXPECT_THAT(above.tags, ElementsAre(9));
  EXPECT_THAT(below.tags, ElementsAre(9));
}

TEST(Link, ALinkThatIsLostInRecoveryHasNotBeenRetrained) {
  Scheduler scheduler;
  Link link{scheduler, 1, "link", LinkParameters{}, [](bool) {}};
  unsigned retrained = 0;
  link.set_retrain_sink([&] { ++retrained; });
  link.recover();
  EXPECT_TRUE(link.is_up() && link.is_training());
  link.lose();
  scheduler.run_until(kTrainingTime * 2);
  EXPECT_EQ(retrained, 0u);
  EXPECT_FALSE(link.is_training());
  link.recover();
  scheduler.run_until(kTrainingTime * 3);
  EXPECT_EQ(retrained, 1u);
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
