// SPDX-License-Identifier: MIT
#include "host/image.h"

#include <optional>
#include <string>

#include "host/agent/scenario_stages.h"
#include "host/backend/emulated/emulated_system.h"
#include "host/fail_stop_platform.h"
#include "host/kernel/kernel.h"
#include "host/kernel/panic.h"
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

ImageExit run(kernel::Kernel& kernel, const Program& program) {
  try {
    kernel.boot();
    EmulatedSystem system(kernel);
    program(system);
    return {};
  } catch (const KernelGone& gone) {
    return {ImageExit::Kind::Jumped, gone.boot_parameters, {}};
  } catch (const kernel::Panic& panic) {
    kernel.panic(panic.what());
    return {ImageExit::Kind::Panicked, {}, panic.what()};
  } catch (const Error& error) {
    kernel.panic(error.what());
    return {ImageExit::Kind::Panicked, {}, error.what()};
  }
}

}  // namespace

ImageExit run_image(pcie::Platform& platform, PhysicalAddress boot_parameters) {
  return run_program(platform, boot_parameters, run_scenario);
}

ImageExit run_program(pcie::Platform& platform, PhysicalAddress boot_parameters, const Program& program) {
  kernel::Kernel* running = nullptr;
  FailStopPlatform until_failure(platform, [&running] {
    if (running != nullptr) {
      running->stop();
    }
  });
  std::optional<kernel::Kernel> kernel;
  ImageExit exit;
  try {
    kernel.emplace(until_failure, boot_parameters);
    running = &*kernel;
    exit = run(*kernel, program);
  } catch (const Error& error) {
    // There is no kernel yet that could panic.
    until_failure.console(std::string("Kernel panic: ") + error.what());
    until_failure.mark(pcie::Phase::EarlyBoot, pcie::Step::Panic, 0);
    exit = {ImageExit::Kind::Panicked, {}, error.what()};
  }
  // However the image took it: a machine that failed has the last word.
  if (until_failure.failure()) {
    std::rethrow_exception(until_failure.failure());
  }
  return exit;
}

}  // namespace holdover::host
