// SPDX-License-Identifier: MIT
#include "host/agent/scenario_stages.h"

#include <algorithm>
#include <array>

#include "host/agent/live_update_stages.h"
#include "host/agent/plain_kexec.h"

namespace holdover::host {
namespace {

constexpr Participants kContinuity{};
constexpr Participants kNeighbour{1, 1};

constexpr std::array<ScenarioStages, 3> kStages{{
    {"continuity", "every endpoint is handed over while its DMA goes on",
     [](System& system) { run_stage_1(system, kContinuity); },
     [](System& system) { run_stage_2(system, kContinuity); }},
    {"neighbour", "the first endpoint is handed over, the second runs traffic and is quiesced",
     [](System& system) { run_stage_1(system, kNeighbour); }, [](System& system) { run_stage_2(system, kNeighbour); }},
    {"plain-kexec", "no endpoint runs traffic or is handed over", run_plain_kexec_stage_1, run_plain_kexec_stage_2},
}};

}  // namespace

std::span<const ScenarioStages> scenario_stages() { return kStages; }

const ScenarioStages* find_scenario_stages(std::string_view name) {
  const auto found = std::find_if(kStages.begin(), kStages.end(),
                                  [name](const ScenarioStages& stages) { return stages.name == name; });
  return found == kStages.end() ? nullptr : &*found;
}

}  // namespace holdover::host
