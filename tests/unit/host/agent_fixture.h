// SPDX-License-Identifier: MIT
// The stages of a scenario over fake endpoints, one kernel after the other.
#pragma once

#include <gtest/gtest.h>

#include <functional>

#include "host/agent/scenario_stages.h"
#include "host/driver/endpoint_regs.h"
#include "tests/support/fake_system.h"

namespace holdover::host {

using pcie::Step;
using testing::FakeSystem;
using testing::FakeWorld;

class Agent : public ::testing::Test {
 protected:
  // True where the stage ended in the jump.
  bool stage_1(FakeWorld& world, const char* scenario, const std::function<void(FakeSystem&)>& prepare = {}) {
    FakeSystem system(world, false);
    if (prepare) {
      prepare(system);
    }
    try {
      find_scenario_stages(scenario)->stage_1(system);
    } catch (const KernelGone&) {
      return true;
    }
    return false;
  }

  void stage_2(FakeWorld& world, const char* scenario, const std::function<void(FakeSystem&)>& prepare = {}) {
    FakeSystem system(world, true);
    if (prepare) {
      prepare(system);
    }
    find_scenario_stages(scenario)->stage_2(system);
  }

  static bool runs(testing::FakeEndpoint& endpoint) {
    return (endpoint.read(regs::heartbeat_writer::kControl) & 1) != 0;
  }
};

}  // namespace holdover::host
