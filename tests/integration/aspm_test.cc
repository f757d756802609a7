// SPDX-License-Identifier: MIT
// Links of a whole machine that fall asleep: what an access then takes, and that no silence is longer than stated.
#include "sim/aspm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "host/driver/endpoint_regs.h"
#include "pcie/capability.h"
#include "pcie/config_space.h"
#include "sim/witness.h"
#include "tests/support/hand_host.h"

namespace holdover {
namespace {

namespace config = pcie::config;
namespace regs = host::regs;
using test::HandHost;
using test::Recorder;
using testing::IsEmpty;

struct Bench {
  explicit Bench(const sim::MachineConfig& machine_config)
      : machine(sim::build_machine(machine_config, seen)), host(*machine), platform(machine->platform()) {
    host.configure(2, 2);
  }
  // In Link Control of every function.
  void enable(unsigned aspm) {
    for (sim::FunctionIndex i = 0; i < machine->functions().size(); ++i) {
      const pcie::Bdf function = machine->bdf(i);
      platform.config_write(function, Bytes{express(function) + config::kExpressLinkControl}, 2, aspm);
    }
  }
  unsigned express(pcie::Bdf function) {
    return pcie::find_capability([&](unsigned offset) { return platform.config_read(function, Bytes{offset}, 4); },
                                 config::kCapExpress)
        .value();
  }
  // Of a register read of the deepest endpoint, when all links have been idle for this long.
  Time read_after(Time idle) {
    (void)host.read(deepest(), regs::global::kId);
    platform.wait(idle);
    const Time begin = platform.now();
    EXPECT_EQ(host.read(deepest(), regs::global::kId), regs::global::kIdReset);
    return platform.now() - begin;
  }
  unsigned deepest() const { return machine->functions().back().endpoint; }
  // Between the deepest endpoint and the processor.
  std::uint64_t links() const {
    std::uint64_t count = 0;
    auto port = machine->functions().back().parent;
    for (; port; port = machine->functions()[*port].parent) {
      count += machine->functions()[*port].kind != sim::FunctionKind::SwitchUpstream ? 1 : 0;
    }
    return count;
  }
  Recorder seen;
  std::unique_ptr<sim::ObservedMachine> machine;
  HandHost host;
  pcie::Platform& platform;
};

sim::MachineConfig machine_with(const std::string& topology, unsigned aspm, const char* disturbances) {
  sim::MachineConfig machine_config;
  machine_config.topology = topology;
  machine_config.aspm = aspm;
  machine_config.dram_size = 16_MiB;
  machine_config.disturbance = sim::select_disturbances(disturbances);
  machine_config.endpoint.completion_timeout = sim::longest_answer(machine_config) + 2_us;
  return machine_config;
}

class AspmMachine : public testing::TestWithParam<const char*> {};

TEST_P(AspmMachine, AReadWakesEveryLinkOnItsWay) {
  Bench bench(machine_with(GetParam(), sim::kAspmAll, "none"));
  constexpr Time kJitter{20'000};  // turns, and clocks of the endpoint
  const Time awake = bench.read_after(20_us);
  const auto expect_between = [&](Time time, Time least, Time most) {
    EXPECT_GE(time + kJitter, awake + least);
    EXPECT_LE(time, awake + most + kJitter);
  };
  const auto expect = [&](Time time, Time exits) { expect_between(time, exits, exits); };
  bench.enable(sim::kAspmL0s);
  // Down, and up where no update of the request's credits has woken the wire before the answer comes.
  expect_between(bench.read_after(5_us), sim::kL0sExit * (bench.links() + 1), sim::kL0sExit * (2 * bench.links()));
  bench.enable(sim::kAspmL1);
  expect(bench.read_after(5_us), Time{0});
  expect(bench.read_after(20_us), sim::kL1Exit * bench.links());
  bench.enable(0);
  expect(bench.read_after(20_us), Time{0});
  EXPECT_THAT(bench.seen.violations, IsEmpty());
}

TEST_P(AspmMachine, WhatTheEndpointDoesNotSupportItsLinkDoesNotEnter) {
  sim::MachineConfig machine_config = machine_with(GetParam(), sim::kAspmAll, "none");
  machine_config.endpoint.aspm = 0;
  Bench bench(machine_config);
  const pcie::Bdf function = bench.host.endpoint(bench.deepest());
  const Bytes capabilities{bench.express(function) + config::kExpressLinkCapabilities};
  EXPECT_EQ(bench.platform.config_read(function, capabilities, 4) >> 10 & 3, 0u);
  const Time awake = bench.read_after(20_us);
  bench.enable(sim::kAspmL0s);
  EXPECT_LE(bench.read_after(5_us), awake + sim::kL0sExit * (2 * (bench.links() - 1)) + Time{20'000});
  bench.enable(sim::kAspmL1);
  const Time asleep = bench.read_after(20_us);
  EXPECT_GE(asleep + Time{20'000}, awake + sim::kL1Exit * (bench.links() - 1));
  EXPECT_LE(asleep, awake + sim::kL1Exit * (bench.links() - 1) + Time{20'000});
}

// The reset clears Link Control below; the port above keeps its own.
TEST_P(AspmMachine, ALinkThatWasResetStaysAwakeUntilItsLowerEndIsSetAgain) {
  Bench bench(machine_with(GetParam(), sim::kAspmAll, "none"));
  const Time awake = bench.read_after(20_us);
  bench.enable(sim::kAspmL1);
  EXPECT_GT(bench.read_after(20_us), awake + sim::kL1Exit / 2);
  const pcie::Bdf port = bench.machine->bdf(*bench.machine->functions().back().parent);
  bench.platform.config_write(port, Bytes{config::kBridgeControl}, 2, config::kBridgeControlSecondaryReset);
  bench.platform.wait(10_us);
  bench.platform.config_write(port, Bytes{config::kBridgeControl}, 2, 0);
  bench.platform.wait(1000_us);
  const Bytes control{bench.express(port) + config::kExpressLinkControl};
  EXPECT_EQ(bench.platform.config_read(port, control, 2) & 3, sim::kAspmL1);
  bench.host.configure(2, 2);
  EXPECT_LE(bench.read_after(20_us), awake + sim::kL1Exit * (bench.links() - 1) + Time{20'000});
}

// Heartbeats alone on their way, so that every link falls asleep between them; other endpoints keep the shared ones
// busy.
TEST_P(AspmMachine, NoSilenceIsLongerThanTheMachineAdmits) {
  struct Case {
    unsigned aspm;
    std::uint32_t period;  // clocks
  };
  for (const auto& [aspm, period] : {Case{sim::kAspmL0s, 500}, Case{sim::kAspmL1, 2500}, Case{sim::kAspmAll, 2500}}) {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      SCOPED_TRACE("aspm " + std::to_string(aspm) + " seed " + std::to_string(seed));
      sim::MachineConfig machine_config = machine_with(GetParam(), aspm, "all");
      machine_config.seed = seed;
      Bench bench(machine_config);
      bench.enable(aspm);
      const unsigned deepest = bench.deepest();
      bench.seen.watch_heartbeat(deepest, HandHost::heartbeat_base(deepest), HandHost::kHeartbeatRing);
      if (seed % 2 == 0) {
        for (unsigned endpoint = 0; endpoint < deepest; ++endpoint) bench.host.start_traffic(endpoint, period);
      }
      bench.host.start_heartbeat(deepest, period);
      bench.platform.wait(200_us);
      const Time bound = bench.machine->silence_bound().total;
      ASSERT_LE(bench.seen.longest_silence, Time{4000} * period + bound);
      ASSERT_LT(bound, std::string{GetParam()} == "wide" ? 40_us : 20_us);
      ASSERT_GE(bench.seen.heartbeats, 200'000 / (4 * period) - 2);
      ASSERT_THAT(bench.seen.violations, IsEmpty());
      ASSERT_THAT(bench.seen.refused, IsEmpty());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Topologies, AspmMachine, testing::Values("direct", "switch", "wide"));

}  // namespace
}  // namespace holdover
