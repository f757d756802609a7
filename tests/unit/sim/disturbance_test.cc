// SPDX-License-Identifier: MIT
// Names of disturbances, and the bounds that each brings with it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "pcie/error.h"
#include "sim/aspm.h"
#include "sim/channel.h"
#include "sim/silence_bound.h"
#include "sim/topology.h"
#include "sim/witness.h"

namespace holdover::sim {
namespace {

MachineConfig with(std::string_view disturbances) {
  MachineConfig config;
  config.disturbance = select_disturbances(disturbances);
  return config;
}

TEST(Disturbances, EachNameTurnsOnNoMoreThanItsOwnKind) {
  EXPECT_TRUE(select_disturbances("split-every").split_at_every_boundary);
  EXPECT_FALSE(select_disturbances("split-every").split_at_random);
  EXPECT_TRUE(select_disturbances("reorder").reorder_completions);
  EXPECT_FALSE(select_disturbances("reorder").delay);
  EXPECT_THAT(select_disturbances("starve-posted").starve_credits, testing::ElementsAre(true, false, false));
  EXPECT_THAT(select_disturbances("starve").starve_credits, testing::Each(true));
  EXPECT_TRUE(select_disturbances("delay,late").answer_late);
  EXPECT_FALSE(select_disturbances("delay,late").replay);
  EXPECT_TRUE(select_disturbances("replay").replay);
}

TEST(Disturbances, NoneTurnsOffWhatAllTurnsOn) {
  EXPECT_THAT(select_disturbances("none").starve_credits, testing::Each(false));
  EXPECT_FALSE(select_disturbances("none").answer_late);
  EXPECT_TRUE(select_disturbances("all").answer_late);
  EXPECT_TRUE(select_disturbances("all").replay);
  EXPECT_FALSE(select_disturbances("none").replay);
}

TEST(Disturbances, AnUnknownNameIsRefusedWithThoseThereAre) {
  for (const std::string_view names : {"slow", "", "split,", "all,late"}) {
    EXPECT_THROW((void)select_disturbances(names), Error) << names;
  }
  try {
    (void)select_disturbances("slow");
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("starve-non-posted"));
  }
}

TEST(SilenceBound, GrowsWithStarvedPostedRequestsOnly) {
  const Time none = silence_bound(with("none")).total;
  EXPECT_EQ(silence_bound(with("split,reorder,late,starve-completion")).total, none);
  EXPECT_GT(silence_bound(with("starve-posted")).total, none);
  EXPECT_GT(silence_bound(with("delay")).total, none);
  EXPECT_GT(silence_bound(with("replay")).total, none);
}

TEST(SilenceBound, HoldsEveryReplayThatItHasTimeFor) {
  for (const std::string_view topology : {"direct", "switch", "wide"}) {
    for (unsigned generation = 1; generation <= 5; ++generation) {
      for (const unsigned lanes : {1u, 2u, 4u, 8u, 16u}) {
        MachineConfig config = with("all");
        config.topology = topology;
        config.aspm = lanes % 4 == 0 ? kAspmAll : 0;
        const Time exit = l0s_exit(config.aspm);
        config.link.generation = generation;
        config.link.lanes = lanes;
        const SilenceBound bound = silence_bound(config);
        const Time wait = longest_replay_wait(config);
        const Time cost = replay_cost(longest_packet(config), wait, config.link.propagation, exit);
        const std::uint64_t replays = bound.total / replay_spacing(wait, config.link.propagation, exit) + 1;
        const auto term = std::find_if(bound.terms.begin(), bound.terms.end(),
                                       [](const SilenceBound::Term& each) { return each.name == "replays"; });
        ASSERT_NE(term, bound.terms.end());
        const std::uint64_t links = topology == "direct" ? 1 : topology == "switch" ? 2 : 3;
        EXPECT_GE(term->time, cost * (replays * links)) << topology << " gen" << generation << "x" << lanes;
      }
    }
  }
}

// Each packet ahead of a record waits for those of the other ports, at every switch on the way.
TEST(SilenceBound, GrowsWithEachSwitchAndTheEndpointsThatShareTheWay) {
  MachineConfig config = with("all");
  const Time direct = silence_bound(config).total;
  config.topology = "switch";
  const SilenceBound shared = silence_bound(config);
  EXPECT_GT(shared.total, direct * 2);
  config.topology = "wide";
  const SilenceBound wide = silence_bound(config);
  EXPECT_GT(wide.total, shared.total + direct);
  const auto has = [](const SilenceBound& bound, std::string_view name) {
    return std::any_of(bound.terms.begin(), bound.terms.end(), [&](const auto& term) { return term.name == name; });
  };
  EXPECT_TRUE(has(wide, "forwarding through switch 0"));
  EXPECT_TRUE(has(wide, "forwarding through switch 1"));
  EXPECT_FALSE(has(shared, "forwarding through switch 1"));
  Time sum;
  for (const SilenceBound::Term& term : wide.terms) sum += term.time;
  EXPECT_EQ(sum, wide.total);
}

TEST(LateAnswer, LiesBeforeTheTimeOutAndIsNoneWhereThereIsNoRoom) {
  MachineConfig config = with("all");
  const Time late = late_answer(config);
  EXPECT_GT(late, config.disturbance.read_latency_max * 10);
  EXPECT_LT(late + silence_bound(config).total, config.endpoint.completion_timeout);
  EXPECT_EQ(late_answer(with("split")), Time{0});
  config.link.generation = 1;
  config.link.lanes = 1;
  EXPECT_EQ(late_answer(config), Time{0});
}

TEST(LongestAnswer, GrowsWithNarrowEndpointsSlowLinksAndMoreOfThem) {
  const MachineConfig config = with("all");
  MachineConfig other = config;
  other.endpoint.data_width = 64;
  EXPECT_GT(longest_answer(other), longest_answer(config));
  other = config;
  other.link.lanes = 2;
  EXPECT_GT(longest_answer(other), longest_answer(config));
  other = config;
  other.topology = "switch";
  EXPECT_GT(longest_answer(other), longest_answer(config));
  // Deeper, but with no more endpoints below one root port.
  MachineConfig wide = config;
  wide.topology = "wide";
  EXPECT_GT(longest_answer(wide), longest_answer(other));
  EXPECT_LT(longest_answer(wide) - longest_answer(other), longest_answer(other) - longest_answer(config));
}

// 32 completions in each round trip of credits, however fast the link is.
TEST(LongestAnswer, ASwitchTakesCompletionsNoFasterThanItsCreditsComeBack) {
  MachineConfig config = with("starve-completion");
  config.topology = "switch";
  config.link.generation = 4;
  config.link.lanes = 16;
  const Time fast = longest_answer(config);
  config.link.generation = 5;
  EXPECT_GT(longest_answer(config), fast * 4 / 5);
  constexpr std::uint64_t kPieces = std::uint64_t{2} * 256 * 9;
  EXPECT_GT(longest_answer(config), Time{200'000} / 32 * kPieces) << "credits are up to 200 ns late";
  config.topology = "direct";
  EXPECT_LT(longest_answer(config), fast / 2);
}

struct Taker final : ChannelReceiver {
  void on_arrival(Channel& channel) override {
    while (const auto flow = channel.received().oldest([](const Packet&) { return true; })) (void)channel.take(*flow);
  }
};

// The longest time between two packets of a sender that always has one.
Time longest_gap(Time hold) {
  ChannelConfig config;
  config.header_credits = {4, 4, 4};
  config.credit_hold = {hold, Time{0}, Time{0}};
  Scheduler scheduler;
  Channel channel{scheduler, Random{1, "test"}, LinkRate{LinkConfig{}, 1}, Time{1000}, config};
  Taker taker;
  channel.set_receiver(taker);
  Time gap;
  Time last;
  std::uint64_t sent = 0;
  while (scheduler.now() < Time{1'000'000'000}) {
    pcie::Tlp tlp;
    tlp.kind = pcie::TlpKind::MemoryWrite;
    tlp.length_dw = 16;
    tlp.payload.resize(64);
    if (channel.has_room(pcie::FlowClass::Posted)) channel.send(Packet{std::move(tlp), 0});
    scheduler.run_until(scheduler.now() + Time{1000});
    if (channel.sent() == sent) continue;
    gap = std::max(gap, scheduler.now() - last);
    last = scheduler.now();
    sent = channel.sent();
  }
  return gap;
}

TEST(StarvedCredits, AreHeldBackNowAndThenAndNeverLongerThanTheBound) {
  const Time without = longest_gap(Time{0});
  const Time hold{500'000};
  EXPECT_LT(without, Time{100'000});
  EXPECT_GT(longest_gap(hold), hold / 2);
  EXPECT_LE(longest_gap(hold), without + hold);
}

}  // namespace
}  // namespace holdover::sim
