// SPDX-License-Identifier: MIT
// `holdover run`: one run, its report, and the exit code.
#pragma once

#include <string>

#include "cli/command.h"

namespace holdover::cli {

// `program`: as it was called, for the line that repeats a run.
[[nodiscard]] Command add_run_command(CLI::App& app, const std::string& program);

}  // namespace holdover::cli
