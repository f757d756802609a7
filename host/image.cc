// SPDX-License-Identifier: MIT
#include "host/image.h"

#include <string>

#include "host/agent/scenario_stages.h"
#include "host/backend/emulated/booted_kernel.h"
#include "pcie/error.h"

namespace holdover::host {
namespace {

const ScenarioStages& scenario(System& system) {
  const std::string asked = system.parameter("scenario");
  const std::string name = asked.empty() ? "continuity" : asked;
  const ScenarioStages* stages = find_scenario_stages(name);
  if (stages == nullptr) {
    std::string possible;
    for (const ScenarioStages& entry : scenario_stages()) {
      possible += (possible.empty() ? "" : ", ") + std::string(entry.name);
    }
    throw Error(ErrorCode::InvalidArgument,
                "scenario=" + name + " of the command line is unknown; possible are " + possible);
  }
  return *stages;
}

using Program = std::function<void(System&)>;

void run_scenario(System& system) {
  const ScenarioStages& stages = scenario(system);
  (system.booted_by_kexec() ? stages.stage_2 : stages.stage_1)(system);
}

}  // namespace

ImageExit run_image(pcie::Platform& platform, PhysicalAddress boot_parameters) {
  return run_program(platform, boot_parameters, run_scenario);
}

ImageExit run_program(pcie::Platform& platform, PhysicalAddress boot_parameters, const Program& program) {
  BootedKernel kernel(platform, boot_parameters);
  try {
    if (!kernel.end()) kernel.run(program);
  } catch (const Error& error) {
    if (kernel.end()) throw;
    kernel.panic(error.what());
  }
  if (!kernel.end()) return {};
  if (kernel.end()->next) return {ImageExit::Kind::Jumped, *kernel.end()->next, {}};
  return {ImageExit::Kind::Panicked, {}, kernel.end()->panic};
}

}  // namespace holdover::host
