// SPDX-License-Identifier: MIT
// Runs kernel images over a machine until the last one halts: as objects of this process, or as processes.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "bench/guarded_platform.h"
#include "bench/run.h"

namespace holdover::bench {

struct RunEnd {
  enum class Kind {
    Halted,    // the scenario is over
    Panicked,  // a kernel stopped itself
    Died,      // the host went away without a plan
    Stopped,   // the guard ended the run: it knows why
  };
  Kind kind = Kind::Halted;
  std::string reason;
  // Faults of the machine, and damages of the handover, that were asked for and found no occasion.
  std::vector<std::string> not_struck{};
};

[[nodiscard]] RunEnd run_in_process(GuardedPlatform& platform);
// Throws Error{Unavailable} where no process can be started. No process is left when it returns or throws.
[[nodiscard]] RunEnd run_in_processes(GuardedPlatform& platform, int dram_descriptor, const RunOptions& options);

}  // namespace holdover::bench
