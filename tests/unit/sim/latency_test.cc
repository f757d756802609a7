// SPDX-License-Identifier: MIT
// Latency Tolerance Reporting: who takes the messages, and what a switch makes of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/bridge.h"
#include "tests/support/scripted_fabric.h"

namespace holdover::sim {
namespace {

namespace config = pcie::config;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint16_t kRequired = 1u << 15;
constexpr std::uint16_t kThousand = 2u << 10;  // scale: 1024 ns

constexpr std::uint16_t micros(unsigned value) { return static_cast<std::uint16_t>(kRequired | kThousand | value); }

struct LatencyTest : testing::Test {
  void enable(pcie::Bdf port) {
    const unsigned control = fabric.capability(port, config::kCapExpress) + config::kExpressDeviceControl2;
    fabric.write(port, control, 2, config::kDeviceControl2Ltr);
  }
  bool enabled(pcie::Bdf port) {
    const unsigned control = fabric.capability(port, config::kCapExpress) + config::kExpressDeviceControl2;
    return (fabric.read(port, control, 2) & config::kDeviceControl2Ltr) != 0;
  }
  void enable_all() {
    for (const pcie::Bdf port :
         {ScriptedFabric::kRoot, ScriptedFabric::kUpstream, ScriptedFabric::kFirst, ScriptedFabric::kSecond}) {
      enable(port);
    }
  }
  LatencyTolerance at_root() { return fabric.machine->bridge(0).latency(); }
  void report(unsigned endpoint, std::uint16_t snoop, std::uint16_t no_snoop) {
    fabric.send(endpoint, latency_message(0x0300, LatencyTolerance{snoop, no_snoop}));
  }
  ScriptedFabric fabric;
};

TEST_F(LatencyTest, APortThatDoesNotTakeThemRefusesThem) {
  report(0, micros(5), 0);
  ASSERT_EQ(fabric.seen.refused.size(), 1u);
  EXPECT_THAT(fabric.seen.refused.front(), HasSubstr("2: the port's LTR Mechanism Enable is off"));
  const unsigned device = fabric.capability(ScriptedFabric::kFirst, config::kCapExpress) + config::kExpressDeviceStatus;
  EXPECT_NE(fabric.read(ScriptedFabric::kFirst, device, 2) & 8u, 0u);
  EXPECT_EQ(at_root(), LatencyTolerance{});
}

TEST_F(LatencyTest, ASwitchReportsTheLeastOfItsPortsInEachHalf) {
  enable_all();
  report(0, micros(5), micros(9));
  EXPECT_EQ(at_root(), (LatencyTolerance{micros(5), micros(9)}));
  report(1, micros(7), kRequired | 40);  // 40 ns are less than 9 us
  EXPECT_EQ(at_root(), (LatencyTolerance{micros(5), kRequired | 40}));
  report(0, 0, 0);  // no requirement any more
  EXPECT_EQ(at_root(), (LatencyTolerance{micros(7), kRequired | 40}));
  EXPECT_THAT(fabric.seen.refused, IsEmpty());
}

TEST_F(LatencyTest, AnUpstreamPortThatIsEnabledLaterReportsWhatItKnows) {
  enable(ScriptedFabric::kRoot);
  enable(ScriptedFabric::kFirst);
  report(0, micros(5), 0);
  EXPECT_EQ(at_root(), LatencyTolerance{});
  enable(ScriptedFabric::kUpstream);
  fabric.platform().wait(Time{5'000'000});
  EXPECT_EQ(at_root(), (LatencyTolerance{micros(5), 0}));
}

TEST_F(LatencyTest, WhatWasReportedFallsWithTheLinkAndSoDoesTheEnable) {
  enable_all();
  report(0, micros(5), 0);
  report(1, micros(7), 0);
  // By containment, so that no configuration write is near.
  fabric.write(ScriptedFabric::kFirst, fabric.dpc() + config::kDpcControl, 2, 1);
  fabric.send(0, ScriptedFabric::error(pcie::kMessageErrorFatal));
  EXPECT_EQ(at_root(), (LatencyTolerance{micros(7), 0}));
  EXPECT_FALSE(enabled(ScriptedFabric::kFirst));
  EXPECT_TRUE(enabled(ScriptedFabric::kSecond));
}

TEST(LatencyTolerance, AScaleThatDoesNotExistRequiresNothing) {
  const LatencyTolerance wrong{kRequired | (6u << 10) | 1u, 0};
  EXPECT_EQ(smaller_of(wrong, LatencyTolerance{micros(3), 0}), (LatencyTolerance{micros(3), 0}));
  EXPECT_EQ(smaller_of(wrong, wrong), LatencyTolerance{});
}

}  // namespace
}  // namespace holdover::sim
