// SPDX-License-Identifier: MIT
// What a port says of the speeds of its link.
#include <gtest/gtest.h>

#include <optional>

#include "pcie/capability.h"
#include "pcie/config_space.h"
#include "sim/bridge.h"

namespace holdover::sim {
namespace {

namespace config = pcie::config;

struct Speeds : testing::TestWithParam<unsigned> {
  Speeds() {
    below.kind = FunctionKind::SwitchUpstream;
    lower.emplace(scheduler, witness, below);
    upper.set_link_below(link);
    lower->set_link_above(link);
    express =
        pcie::find_capability([this](unsigned offset) { return upper.read(offset); }, config::kCapExpress).value();
  }
  static LinkParameters parameters() {
    LinkParameters value;
    value.config.generation = GetParam();
    return value;
  }
  Scheduler scheduler;
  Witness witness;
  Link link{scheduler, 1, "between", parameters(), [](bool) {}};
  Bridge::Identity below;
  Bridge upper{scheduler, witness, Bridge::Identity{}};
  std::optional<Bridge> lower;
  unsigned express = 0;
};

TEST_P(Speeds, AreThoseOfItsGenerationAndEveryOneBefore) {
  for (const Bridge* port : {&upper, &*lower}) {
    const std::uint32_t vector = port->read(express + config::kExpressLinkCapabilities2);
    EXPECT_EQ(port->read(express + config::kExpressLinkCapabilities) & 0xf, GetParam());
    for (unsigned generation = 1; generation <= 5; ++generation) {
      EXPECT_EQ((vector >> generation & 1) != 0, generation <= GetParam()) << generation;
    }
    EXPECT_EQ(vector & ~0x3eu, 0u);
  }
}

TEST_P(Speeds, TheHighestIsTheTargetUntilSoftwareSaysOtherwiseAndThatIsSticky) {
  const unsigned control = express + config::kExpressLinkControl2;
  for (Bridge* port : {&upper, &*lower}) {
    EXPECT_EQ(port->read(control) & 0xf, GetParam());
    port->write(control, 0x3, 1);
    port->reset();
    EXPECT_EQ(port->read(control) & 0xf, 1u);
  }
}

INSTANTIATE_TEST_SUITE_P(Generations, Speeds, testing::Range(1u, 6u));

}  // namespace
}  // namespace holdover::sim
