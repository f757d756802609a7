// SPDX-License-Identifier: MIT
// What an endpoint's reads are answered with: pieces, their order, and when they come.
#include "sim/read_answers.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "tests/unit/sim/root_complex_fixture.h"

namespace holdover::sim {
namespace {

using namespace scripted;
using testing::ElementsAre;

TEST_F(RootTest, AReadSeesTheWritesBeforeIt) {
  machine_config.disturbance.read_latency_min = Time{1};
  machine_config.disturbance.read_latency_max = Time{2};
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    machine_config.seed = seed;
    script = {};
    pcie::Platform& platform = boot();
    script.to_send = {write(0x1000, 64), read(0x1000, 64, 1)};
    platform.wait(5_us);
    const auto answers = completions(1);
    ASSERT_FALSE(answers.empty());
    EXPECT_EQ(answers.front().payload.front(), std::byte{0x00});
    EXPECT_EQ(answers.back().payload.back(), std::byte{0x3f}) << "seed " << seed;
  }
}

TEST_F(RootTest, CompletionsOfOneReadAreLegalPiecesInOrder) {
  bool split = false;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    machine_config.seed = seed;
    script = {};
    pcie::Platform& platform = boot();
    for (unsigned i = 0; i < 0x1000; ++i) platform.dram()[0x4000 + i] = static_cast<std::byte>(i * 7);
    pcie::Tlp request = read(0x4014, 300, 9);
    request.first_be = 0x8;  // begins at 4017
    request.last_be = 0x3;
    script.to_send = {request};
    platform.wait(5_us);
    std::uint64_t at = 0x4017;
    std::uint64_t left = pcie::enabled_bytes(request).count();
    const auto answers = completions(9);
    split = split || answers.size() > 3;
    for (const pcie::Tlp& piece : answers) {
      EXPECT_EQ(piece.byte_count, left);
      EXPECT_EQ(piece.lower_address, at & 0x7f);
      EXPECT_LE(piece.payload.size(), 128u);
      const std::uint64_t aligned = at & ~std::uint64_t{3};
      const std::uint64_t end = std::min(aligned + piece.payload.size(), at + left);
      EXPECT_TRUE(end == at + left || end % 64 == 0);
      for (std::uint64_t byte = at; byte < end; ++byte) {
        EXPECT_EQ(piece.payload[static_cast<std::size_t>(byte - aligned)],
                  platform.dram()[static_cast<std::size_t>(byte)]);
      }
      left -= end - at;
      at = end;
    }
    EXPECT_EQ(left, 0u);
  }
  EXPECT_TRUE(split);
}

TEST_F(RootTest, WithoutDisturbanceCompletionsAreWholeAndInOrder) {
  machine_config.disturbance = select_disturbances("none");
  pcie::Platform& platform = boot();
  script.to_send = {read(0x1000, 128, 1), read(0x2000, 128, 2), read(0x3000, 128, 3)};
  platform.wait(5_us);
  std::vector<std::uint16_t> tags;
  for (const pcie::Tlp& tlp : script.arrived) tags.push_back(tlp.tag);
  EXPECT_THAT(tags, ElementsAre(1, 2, 3));
}

TEST_F(RootTest, CompletionsOfDifferentReadsComeInMoreThanOneOrder) {
  std::vector<std::vector<std::uint16_t>> orders;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    machine_config.seed = seed;
    script = {};
    pcie::Platform& platform = boot();
    script.to_send = {read(0x1000, 64, 1), read(0x2000, 64, 2), read(0x3000, 64, 3)};
    platform.wait(5_us);
    std::vector<std::uint16_t> tags;
    for (const pcie::Tlp& tlp : script.arrived) tags.push_back(tlp.tag);
    EXPECT_EQ(tags.size(), 3u);
    if (std::find(orders.begin(), orders.end(), tags) == orders.end()) orders.push_back(tags);
  }
  EXPECT_GT(orders.size(), 2u);
}

TEST_F(RootTest, ALateAnswerComesJustBeforeTheTimeOutAndOnlyWhereAskedFor) {
  const auto longest_wait = [this](const char* disturbances) {
    machine_config.disturbance = select_disturbances(disturbances);
    script = {};
    pcie::Platform& platform = boot();
    Time longest;
    for (std::uint16_t tag = 0; tag < 250; ++tag) {
      const Time begin = platform.now();
      const std::size_t arrived = script.arrived.size();
      script.to_send = {read(0x1000, 64, tag)};
      while (script.arrived.size() == arrived && platform.now() < begin + machine_config.endpoint.completion_timeout) {
        platform.wait(Time{100'000});
      }
      EXPECT_GT(script.arrived.size(), arrived) << disturbances << ", read " << tag;
      longest = std::max(longest, platform.now() - begin);
    }
    return longest;
  };
  const Time timeout = machine_config.endpoint.completion_timeout;
  const Time late = longest_wait("late");
  EXPECT_GT(late, timeout / 2);
  EXPECT_LT(late, timeout);
  EXPECT_LT(longest_wait("split-random,reorder,delay,starve"), timeout / 4);
}

// Only its answer waits: what happens to memory, and to the page table, in the meantime does not reach it.
TEST_F(RootTest, ALateReadSeesMemoryWhenOthersDo) {
  machine_config.disturbance = select_disturbances("late");
  pcie::Platform& platform = boot();
  const auto fill = [&](std::byte value) { std::fill_n(platform.dram().begin() + 0x1000, 64, value); };
  bool late = false;
  for (std::uint16_t tag = 0; tag < 250 && !late; ++tag) {
    fill(std::byte{1});
    const std::size_t arrived = script.arrived.size();
    script.to_send = {read(0x1000, 64, tag)};
    platform.wait(10_us);
    late = script.arrived.size() == arrived;
    if (!late) continue;
    fill(std::byte{2});
    platform.wait(machine_config.endpoint.completion_timeout);
    ASSERT_GT(script.arrived.size(), arrived);
    EXPECT_THAT(script.arrived.back().payload, testing::Each(std::byte{1}));
  }
  EXPECT_TRUE(late);
}

TEST_F(RootTest, EveryBoundaryAndWholeAnswersAreHadAlone) {
  const auto pieces = [this](const char* disturbances) {
    machine_config.disturbance = select_disturbances(disturbances);
    script = {};
    pcie::Platform& platform = boot();
    script.to_send = {read(0x1000, 128, 7)};
    platform.wait(5_us);
    return completions(7).size();
  };
  EXPECT_EQ(pieces("split-every"), 2u);
  EXPECT_EQ(pieces("none"), 1u);
}

TEST_F(RootTest, AReadOfNoBytesIsAnsweredWithOneDoubleWord) {
  pcie::Platform& platform = boot();
  pcie::Tlp flush = read(0x1000, 4, 3);
  flush.first_be = 0;
  script.to_send = {flush};
  platform.wait(5_us);
  const auto answers = completions(3);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].payload.size(), 4u);
  EXPECT_EQ(answers[0].status, pcie::CompletionStatus::Success);
}

}  // namespace
}  // namespace holdover::sim
