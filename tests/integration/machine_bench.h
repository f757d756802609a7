// SPDX-License-Identifier: MIT
// A machine with the endpoint in RTL, the host that drives it by hand, and what both are seen to do.
#pragma once

#include <algorithm>
#include <memory>
#include <string>

#include "sim/witness.h"
#include "tests/support/hand_host.h"

namespace holdover::test {

struct Bench {
  explicit Bench(const sim::MachineConfig& machine_config)
      : machine(sim::build_machine(machine_config, seen)), host(*machine), platform(machine->platform()) {}
  [[nodiscard]] unsigned endpoints() const {
    const auto& functions = machine->functions();
    return static_cast<unsigned>(std::count_if(
        functions.begin(), functions.end(), [](const auto& each) { return each.kind == sim::FunctionKind::Endpoint; }));
  }
  Recorder seen;
  std::unique_ptr<sim::ObservedMachine> machine;
  HandHost host;
  pcie::Platform& platform;
};

inline sim::MachineConfig small(const std::string& topology, std::uint64_t seed = 1) {
  sim::MachineConfig machine_config;
  machine_config.topology = topology;
  machine_config.seed = seed;
  machine_config.dram_size = 16_MiB;
  // What fits every topology.
  machine_config.endpoint.completion_timeout = 250_us;
  return machine_config;
}

}  // namespace holdover::test
