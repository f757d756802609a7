// SPDX-License-Identifier: MIT
// Runs the emulated kernel where a recorded one ran, and lays what both wrote side by side.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "bench/compare/comparison.h"
#include "bench/run.h"

namespace holdover::bench {

struct CompareOptions {
  std::filesystem::path log;
  std::filesystem::path port_trace;  // QEMU's, of the same run; empty: the root port is not compared
  std::string profile;               // empty: as the log tells
  std::optional<bool> crash;         // nothing: as the log tells
  std::vector<ComparedPhase> phases{kComparedPhases.begin(), kComparedPhases.end()};
  bool accept = true;  // known differences do not count
};

// Throws Error{InvalidArgument} for a log or a trace that cannot be understood, or a profile that cannot be told from
// it; Error{Unavailable} for a file that cannot be read.
[[nodiscard]] Comparison compare_trace(const CompareOptions& options, const MachineFactory& factory);

// 0: the same, or only accepted differences; 1.
[[nodiscard]] int exit_code(const Comparison& comparison);

}  // namespace holdover::bench
