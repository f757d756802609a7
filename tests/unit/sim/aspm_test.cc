// SPDX-License-Identifier: MIT
// Active state power management of links: when L0s and L1 are entered, and what leaving them costs.
#include "sim/aspm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/link.h"
#include "sim/topology.h"

namespace holdover::sim {
namespace {

using pcie::FlowClass;
using pcie::TlpKind;
using testing::ElementsAre;

constexpr unsigned kBytes = 64;

pcie::Tlp memory_write(std::uint16_t tag, unsigned bytes = kBytes) {
  pcie::Tlp value;
  value.kind = TlpKind::MemoryWrite;
  value.tag = tag;
  value.payload.resize(bytes);
  value.length_dw = static_cast<std::uint16_t>(bytes / 4);
  return value;
}

struct Arrivals final : ChannelReceiver {
  explicit Arrivals(const Scheduler& clock) : scheduler(clock) {}
  void on_arrival(Channel& channel) override {
    while (taking && !channel.received().empty()) {
      tags.push_back(channel.take(FlowClass::Posted).tlp.tag);
      times.push_back(scheduler.now());
    }
  }
  const Scheduler& scheduler;
  bool taking = true;
  std::vector<std::uint16_t> tags;
  std::vector<Time> times;
};

// No credits come back, unless a test asks for finite ones: nothing but its packets is on the wires.
struct AspmTest : testing::Test {
  AspmTest() : AspmTest(parameters()) {}
  explicit AspmTest(const LinkParameters& parameters) : link{scheduler, 1, "link", parameters, [](bool) {}} {
    link.down().set_receiver(below);
    link.up().set_receiver(above);
  }
  static LinkParameters parameters() {
    LinkParameters parameters;
    parameters.down.header_credits = {0, 0, 0};
    parameters.up.header_credits = {0, 0, 0};
    return parameters;
  }
  // Of one packet on a wire that is awake.
  static Time way() {
    std::uint64_t carry = 0;
    return LinkRate{LinkConfig{}, 0}.wire_time(pcie::tlp_bytes(memory_write(0)), carry) + LinkConfig{}.propagation;
  }
  void enable(unsigned at_above, unsigned at_below) {
    link.set_aspm_above(at_above);
    link.set_aspm_below(at_below);
  }
  // When what is sent now arrives, later than it would on a wire that is awake.
  Time delay(Channel& channel, Arrivals& arrivals) {
    const Time now = scheduler.now();
    const std::size_t before = arrivals.times.size();
    channel.send(Packet{memory_write(0), 0});
    scheduler.run_until(now + kL1Exit + way() + Time{1000});
    if (arrivals.times.size() != before + 1) return Time{~std::uint64_t{0}};
    return arrivals.times.back() - now - way() <= Time{1} ? Time{0} : arrivals.times.back() - now - way();
  }
  Time delay_up() { return delay(link.up(), above); }
  Time delay_down() { return delay(link.down(), below); }
  void idle(Time time) { scheduler.run_until(scheduler.now() + time); }

  Scheduler scheduler;
  Arrivals above{scheduler};
  Arrivals below{scheduler};
  Link link;
};

TEST_F(AspmTest, NothingSleepsUnlessItIsEnabled) {
  idle(100_us);
  EXPECT_EQ(link.up().power_state(), PowerState::L0);
  EXPECT_EQ(delay_up(), Time{0});
  EXPECT_EQ(delay_down(), Time{0});
  EXPECT_EQ(link.up().l0s_entries() + link.down().l0s_entries() + link.up().l1_entries(), 0u);
}

TEST_F(AspmTest, AnIdleDirectionEntersL0sAndItsNextPacketWaitsForTheExit) {
  enable(kAspmL0s, kAspmL0s);
  scheduler.run_until(kL0sIdle - Time{1});
  EXPECT_EQ(link.up().power_state(), PowerState::L0);
  scheduler.run_until(kL0sIdle);
  EXPECT_EQ(link.up().power_state(), PowerState::L0s);
  EXPECT_EQ(link.up().l0s_entries(), 1u);
  EXPECT_EQ(delay_up(), kL0sExit);
  idle(5_us);
  EXPECT_EQ(delay_up(), kL0sExit) << "it entered L0s again";
  EXPECT_EQ(link.up().l0s_entries(), 3u) << "and once more since";
  EXPECT_EQ(link.up().l1_entries(), 0u);
}

TEST_F(AspmTest, PacketsThatComeInTheMeantimeWaitNoLonger) {
  enable(kAspmL0s, kAspmL0s);
  idle(3_us);
  const Time begin = scheduler.now();
  link.up().send(Packet{memory_write(1), 0});
  idle(kL0sExit / 2);
  link.up().send(Packet{memory_write(2), 0});
  idle(2_us);
  ASSERT_THAT(above.tags, ElementsAre(1, 2));
  EXPECT_LE(above.times[1], begin + kL0sExit + way() * 2);
}

TEST_F(AspmTest, ABusyDirectionNeverSleeps) {
  enable(kAspmAll, kAspmAll);
  for (unsigned i = 0; i < 100; ++i) {
    link.up().send(Packet{memory_write(0), 0});
    idle(kL0sIdle);  // less after the end of the packet
  }
  EXPECT_EQ(link.up().l0s_entries(), 0u);
  EXPECT_EQ(link.up().l1_entries(), 0u);
  EXPECT_EQ(link.down().l0s_entries(), 1u) << "the other direction is on its own";
}

TEST_F(AspmTest, L0sIsForTheTransmitterOfTheEndThatHasItEnabled) {
  enable(kAspmL0s, 0);
  idle(20_us);
  EXPECT_EQ(link.up().power_state(), PowerState::L0);
  EXPECT_EQ(link.down().power_state(), PowerState::L0s);
  EXPECT_EQ(delay_up(), Time{0});
  idle(20_us);
  EXPECT_EQ(delay_down(), kL0sExit);
  enable(0, kAspmL0s);
  idle(20_us);
  EXPECT_EQ(link.up().power_state(), PowerState::L0s);
  EXPECT_EQ(link.down().power_state(), PowerState::L0);
}

TEST_F(AspmTest, L1NeedsBothEnds) {
  for (const auto& [at_above, at_below] : {std::pair{kAspmL1, 0u}, std::pair{0u, kAspmL1}}) {
    enable(at_above, at_below);
    idle(100_us);
    EXPECT_EQ(link.up().power_state(), PowerState::L0);
    EXPECT_EQ(delay_up(), Time{0});
  }
  EXPECT_EQ(link.up().l1_entries(), 0u);
  enable(kAspmL1, kAspmL1);
  idle(kL1Idle);
  EXPECT_EQ(link.up().power_state(), PowerState::L1);
  EXPECT_EQ(link.down().power_state(), PowerState::L1);
}

TEST_F(AspmTest, L1NeedsBothDirectionsIdleAndWhateverComesFirstWakesBoth) {
  enable(kAspmL1, kAspmL1);
  idle(kL1Idle / 2);
  EXPECT_EQ(delay_down(), Time{0});
  const Time sent = scheduler.now();
  scheduler.run_until(kL1Idle + 1_us);
  EXPECT_EQ(link.up().power_state(), PowerState::L0) << "one direction has been idle for long enough";
  scheduler.run_until(sent + kL1Idle);
  EXPECT_EQ(link.up().power_state(), PowerState::L1);

  const Time begin = scheduler.now();
  link.up().send(Packet{memory_write(1), 0});
  idle(1_us);
  link.down().send(Packet{memory_write(2), 0});
  idle(5_us);
  ASSERT_EQ(above.times.size(), 1u);
  ASSERT_EQ(below.times.size(), 2u);
  EXPECT_GE(above.times[0], begin + kL1Exit + way() - Time{1});
  EXPECT_LE(above.times[0], begin + kL1Exit + way());
  EXPECT_LE(below.times[1], begin + kL1Exit + way());
  EXPECT_GE(below.times[1], begin + kL1Exit);
  EXPECT_EQ(link.up().l1_entries(), 1u);
  EXPECT_EQ(link.down().l1_entries(), 1u);
}

TEST_F(AspmTest, WithBothStatesAShortPauseCostsTheShortExit) {
  enable(kAspmAll, kAspmAll);
  idle(kL1Idle - 1_us);
  EXPECT_EQ(delay_up(), kL0sExit);
  idle(kL1Idle + 1_us);
  EXPECT_EQ(delay_up(), kL1Exit) << "one exit, not two";
  EXPECT_EQ(link.up().l0s_entries(), 2u);
}

TEST_F(AspmTest, AChangeOfWhatIsEnabledWakesTheLinkAndCountsAnew) {
  enable(kAspmL0s, kAspmL0s);
  idle(5_us);
  const Time begin = scheduler.now();
  link.set_aspm_below(0);
  link.up().send(Packet{memory_write(1), 0});
  idle(5_us);
  ASSERT_EQ(above.times.size(), 1u);
  EXPECT_GE(above.times[0], begin + kL0sExit);
  link.set_aspm_below(kAspmL0s);
  idle(kL0sIdle - Time{1});
  EXPECT_EQ(link.up().power_state(), PowerState::L0);
  link.set_aspm_below(kAspmL0s);  // no change
  idle(Time{1});
  EXPECT_EQ(link.up().power_state(), PowerState::L0s);
}

TEST_F(AspmTest, ALinkThatIsLostForgetsThatItSlept) {
  enable(kAspmAll, kAspmAll);
  idle(20_us);
  EXPECT_EQ(link.up().power_state(), PowerState::L1);
  link.lose();
  EXPECT_EQ(link.up().power_state(), PowerState::L0);
  scheduler.run_until(scheduler.now() + kTrainingTime);
  EXPECT_TRUE(link.is_up());
  EXPECT_EQ(link.up().power_state(), PowerState::L0) << "it has just trained";
  EXPECT_EQ(link.up().l1_entries(), 1u);
  EXPECT_EQ(link.down().l1_entries(), 1u);
  EXPECT_EQ(delay_up(), Time{0});
}

TEST_F(AspmTest, ARetrainedLinkIsAwake) {
  enable(kAspmAll, kAspmAll);
  idle(20_us);
  link.recover();
  idle(kRecoveryTime);
  EXPECT_EQ(link.up().power_state(), PowerState::L0);
  EXPECT_EQ(link.up().l1_entries(), 1u);
  EXPECT_EQ(link.down().l1_entries(), 1u);
  EXPECT_EQ(delay_up(), Time{0});
}

struct UnsupportedBelow : AspmTest {
  UnsupportedBelow() : AspmTest(with()) {}
  static LinkParameters with() {
    LinkParameters value = parameters();
    value.aspm = kAspmL1;
    return value;
  }
};

TEST_F(UnsupportedBelow, WhatOneEndDoesNotSupportIsNotEntered) {
  enable(kAspmAll, kAspmAll);
  idle(kL1Idle - 1_us);
  EXPECT_EQ(link.down().power_state(), PowerState::L0);
  idle(2_us);
  EXPECT_EQ(link.down().power_state(), PowerState::L1);
}

// Two packets fill the receiver.
struct FewCredits : AspmTest {
  FewCredits() : AspmTest(with()) {}
  static LinkParameters with() {
    LinkParameters value = parameters();
    value.up.header_credits = {2, 2, 2};
    return value;
  }
};

TEST_F(FewCredits, ALinkOnWhichAPacketWaitsForCreditsMayEnterL0sAndNotL1) {
  enable(kAspmAll, kAspmAll);
  above.taking = false;
  for (std::uint16_t i = 0; i < 2; ++i) link.up().send(Packet{memory_write(i), 0});
  idle(2_us);
  EXPECT_EQ(link.up().power_state(), PowerState::L0s);
  link.up().send(Packet{memory_write(2), 0});
  EXPECT_EQ(link.up().power_state(), PowerState::L0s) << "nothing to wake for";
  idle(50_us);
  EXPECT_EQ(link.up().queued(FlowClass::Posted), 1u);
  EXPECT_EQ(link.up().power_state(), PowerState::L0s);
  EXPECT_EQ(link.up().l1_entries(), 0u);
  // The update leaves L0s downwards, and what it frees leaves L0s upwards.
  const LinkRate rate{LinkConfig{}, 0};
  const Time begin = scheduler.now();
  above.taking = true;
  above.on_arrival(link.up());
  idle(10_us);
  ASSERT_THAT(above.tags, ElementsAre(0, 1, 2));
  const Time update = rate.update_time() + LinkConfig{}.propagation;
  EXPECT_GE(above.times[2], begin + kL0sExit + update + kL0sExit + way() - Time{1});
  EXPECT_LE(above.times[2], begin + kL0sExit + update + kL0sExit + way() + rate.update_interval());
  EXPECT_EQ(link.down().l0s_entries(), 2u);
}

// Packets are damaged as often as they may be.
struct Damaging : AspmTest {
  Damaging() : AspmTest(with()) {}
  static LinkParameters with() {
    LinkParameters value = parameters();
    value.up.replay_wait = Time{100'000};
    value.up.l0s_exit = kL0sExit;
    return value;
  }
};

TEST_F(Damaging, TheRequestForAReplayLeavesL0sAndNothingIsLaterThanTheCostOfAReplay) {
  enable(kAspmL0s, kAspmL0s);
  const Time longest = LinkRate{LinkConfig{}, 0}.time_of(pcie::tlp_bytes(memory_write(0, 256)));
  std::uint16_t sent = 0;
  while (sent < 60'000) {
    while (link.up().has_room(FlowClass::Posted) && sent < 60'000) {
      link.up().send(Packet{memory_write(sent++, 256), 0});
    }
    idle(Time{10'000});
  }
  idle(10_us);
  ASSERT_EQ(above.tags.size(), sent);
  Time gap;
  for (std::size_t i = 1; i < above.times.size(); ++i) gap = std::max(gap, above.times[i] - above.times[i - 1]);
  EXPECT_GT(link.up().replays(), 10u);
  EXPECT_GE(link.down().l0s_entries(), link.up().replays()) << "woken for nothing else";
  EXPECT_GT(gap, kL0sExit);
  EXPECT_LE(gap, longest + replay_cost(longest, Time{100'000}, LinkConfig{}.propagation, kL0sExit) + Time{10'000});
  EXPECT_TRUE(std::is_sorted(above.tags.begin(), above.tags.end()));
}

MachineConfig with(unsigned aspm, std::string_view topology = "direct") {
  MachineConfig config;
  config.topology = topology;
  config.aspm = aspm;
  return config;
}

TEST(AspmBounds, ASilenceHoldsTheExitsOfEveryLinkOnTheWay) {
  Time less;
  for (const std::string_view topology : {"direct", "switch", "wide"}) {
    const Time off = silence_bound(with(0, topology)).total;
    const Time l0s = silence_bound(with(kAspmL0s, topology)).total - off;
    const Time l1 = silence_bound(with(kAspmL1, topology)).total - off;
    const Time all = silence_bound(with(kAspmAll, topology)).total - off;
    const std::uint64_t links = topology == "direct" ? 1 : topology == "switch" ? 2 : 3;
    // Asleep when the record comes; asleep again when its credit comes, over a wire that was asleep.
    EXPECT_GE(l0s, kL0sExit * 3 * links) << topology;
    EXPECT_GE(l1, kL1Exit * links) << topology;
    EXPECT_GE(all, (kL1Exit + kL0sExit * 2) * links) << topology;
    EXPECT_GT(all, less) << topology;
    less = all;
    const SilenceBound bound = silence_bound(with(kAspmAll, topology));
    const auto term = std::find_if(bound.terms.begin(), bound.terms.end(),
                                   [](const auto& each) { return each.name == "links that leave low power"; });
    ASSERT_NE(term, bound.terms.end());
    // Of each link, its wire after a wait for credits and after credits that were held back; a switch waits twice.
    EXPECT_EQ(term->time, kL1Exit * links + kL0sExit * (2 * links + (links - 1)));
  }
}

TEST(AspmBounds, AnAnswerFindsEveryLinkAsleepTwice) {
  for (const std::string_view topology : {"direct", "switch", "wide"}) {
    const std::uint64_t links = topology == "direct" ? 1 : topology == "switch" ? 2 : 3;
    const Time off = longest_answer(with(0, topology));
    EXPECT_GE(longest_answer(with(kAspmL1, topology)) - off, kL1Exit * (2 * links));
    // And each credit may need two exits from L0s: of its update's wire, and of its own.
    EXPECT_GE(longest_answer(with(kAspmAll, topology)) - off, (kL1Exit + kL0sExit * 6) * (2 * links));
  }
}

TEST(AspmBounds, AnUpdateLeavesL0sAndBuffersCoverIt) {
  const Time off = longest_update_wait(with(0));
  EXPECT_EQ(longest_update_wait(with(kAspmL1)), off) << "in L1 nothing waits for credits";
  EXPECT_EQ(longest_update_wait(with(kAspmAll)), off + kL0sExit);
  const auto data = [](unsigned aspm) {
    return upward_channel(with(aspm), FunctionKind::RootPort, FunctionKind::Endpoint).data_credits[0];
  };
  const Time packet = longest_packet(with(0));
  EXPECT_GE((data(kAspmAll) - data(0)) * kCreditUnit.count(), kL0sExit / packet * 512);
  const ChannelConfig channel = downward_channel(with(kAspmAll), FunctionKind::Endpoint);
  EXPECT_EQ(channel.l0s_exit, kL0sExit);
  EXPECT_EQ(downward_channel(with(kAspmL1), FunctionKind::Endpoint).l0s_exit, Time{0});
}

// As kReplayShare in the bounds counts them.
TEST(AspmBounds, ReplaysStayRareWhereEachTakesTwoExits) {
  for (unsigned generation = 1; generation <= 5; ++generation) {
    MachineConfig config = with(kAspmAll);
    config.link.generation = generation;
    config.link.lanes = 16;
    const Time wait = longest_replay_wait(config);
    const Time cost = replay_cost(longest_packet(config), wait, config.link.propagation, kL0sExit);
    EXPECT_GT(cost, kL0sExit * 2);
    EXPECT_GE(replay_spacing(wait, config.link.propagation, kL0sExit), cost * kHoldSpacing) << generation;
  }
}

}  // namespace
}  // namespace holdover::sim
