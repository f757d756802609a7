// SPDX-License-Identifier: MIT
// What a VMM does around a live update, scenario by scenario: two stages that share nothing but the session.
// docs/scenarios.md explains each for people.
#pragma once

#include <span>
#include <string_view>

#include "host/system.h"

namespace holdover::host {

struct ScenarioStages {
  std::string_view name;
  std::string_view sentence;
  // Runs under the first kernel; ends in kexec(), or returns where there is none or it was refused.
  void (*stage_1)(System&);
  // Runs under the next kernel and knows only preserved memory and the command line.
  void (*stage_2)(System&);
};

[[nodiscard]] std::span<const ScenarioStages> scenario_stages();
// Null for an unknown name.
[[nodiscard]] const ScenarioStages* find_scenario_stages(std::string_view name);

}  // namespace holdover::host
