// SPDX-License-Identifier: MIT
// A kernel image: the emulated kernel, its driver, and the agent with both stages of every scenario, as one entry
// point. In process isolation host/image_main.cc wraps it into an executable; in-process the bench calls it.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "pcie/platform.h"
#include "pcie/units.h"

namespace holdover::host {

struct ImageExit {
  enum class Kind {
    Jumped,    // reboot(KEXEC) succeeded and the machine has jumped: enter the next image with next_parameters
    Halted,    // the last stage of the scenario is over
    Panicked,  // the kernel stopped itself; reason says why
  };
  Kind kind = Kind::Halted;
  PhysicalAddress next_parameters{0};
  std::string reason;
};

// Boots a kernel with the boot-parameter page at `boot_parameters`, runs the scenario stage that its command line and
// its handover call for, and returns when nothing of that kernel is left. Everything it knew is gone then, but DRAM.
// Command line: profile=NAME scenario=NAME hazard=NAME (may repeat) before_us=N after_us=N streams=… as
// docs/scenarios.md lists.
[[nodiscard]] ImageExit run_image(pcie::Platform& platform, PhysicalAddress boot_parameters);

class System;
// The same with one user-space program in place of a scenario. An Error that leaves the program panics the kernel.
[[nodiscard]] ImageExit run_program(pcie::Platform& platform, PhysicalAddress boot_parameters,
                                    const std::function<void(System&)>& program);

}  // namespace holdover::host
