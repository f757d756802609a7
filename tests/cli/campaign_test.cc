// SPDX-License-Identifier: MIT
// What a seed of a campaign stands for: always the same, always possible, and everything that there is to draw.
#include "cli/campaign.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace holdover::cli {
namespace {

const std::vector<sim::ModelSize> kModels{{64, 1}, {64, 8}, {128, 2}, {256, 4}, {512, 8}};
constexpr std::uint64_t kSeeds = 3000;

TEST(Campaign, ASeedIsAlwaysTheSameRun) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    EXPECT_EQ(bench::command_line(draw(seed, kModels, {})), bench::command_line(draw(seed, kModels, {})));
  }
}

TEST(Campaign, EveryRunIsPossible) {
  bench::RunOptions base;
  base.own_image = "/proc/self/exe";  // any program will do
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const bench::RunOptions options = draw(seed, kModels, base);
    EXPECT_NO_THROW(bench::validate(options)) << bench::command_line(options);
    EXPECT_EQ(options.seed, seed);
  }
}

TEST(Campaign, EverythingIsDrawn) {
  std::set<std::string> topologies, scenarios, disturbances, sizes, directions;
  std::set<std::string> links;
  std::map<std::string, unsigned> aspm;
  std::set<std::uint32_t> transfers;
  std::set<bench::Isolation> isolations;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const bench::RunOptions options = draw(seed, kModels, {});
    topologies.insert(options.topology);
    scenarios.insert(options.scenario);
    disturbances.insert(options.disturb);
    sizes.insert(to_string({options.width, options.channels}));
    directions.insert(options.bulk);
    transfers.insert(options.transfer);
    links.insert(options.link);
    ++aspm[options.aspm];
    isolations.insert(options.isolation);
  }
  EXPECT_EQ(topologies.size(), sim::topologies().size());
  EXPECT_EQ(scenarios.size(), bench::update_scenarios().size());
  EXPECT_EQ(sizes.size(), kModels.size());
  EXPECT_EQ(isolations.size(), 2u);
  EXPECT_EQ(links.size(), 25u);
  EXPECT_EQ(aspm.size(), 4u);
  EXPECT_GT(aspm["off"], kSeeds * 2 / 3);
  EXPECT_LT(aspm["off"], kSeeds * 5 / 6);
  EXPECT_TRUE(disturbances.count("all") == 1 && disturbances.count("none") == 1);
  for (const sim::DisturbanceEntry& entry : sim::disturbances()) {
    EXPECT_EQ(disturbances.count(std::string(entry.name)), 1u) << entry.name << " was never drawn alone";
  }
  EXPECT_TRUE(directions.count("c2h") == 1 && directions.count("h2c") == 1);
  EXPECT_TRUE(transfers.count(1) == 1 && transfers.count(0) == 1 && transfers.count(4097) == 1);
}

TEST(Campaign, AnotherModelChangesNothingElse) {
  const std::vector<sim::ModelSize> fewer{{256, 4}};
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const bench::RunOptions one = draw(seed, kModels, {});
    const bench::RunOptions other = draw(seed, fewer, {});
    EXPECT_EQ(one.topology, other.topology);
    EXPECT_EQ(one.disturb, other.disturb);
    EXPECT_EQ(one.blackout, other.blackout);
    EXPECT_EQ(one.transfer, other.transfer);
  }
}

}  // namespace
}  // namespace holdover::cli
