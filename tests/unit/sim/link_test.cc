// SPDX-License-Identifier: MIT
// Rates and states of links.
#include "sim/link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "pcie/error.h"
#include "tests/unit/sim/channel_fixture.h"

namespace holdover::sim {
namespace {

using pcie::TlpKind;
using testing::ElementsAre;

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
