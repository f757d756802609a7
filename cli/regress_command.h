// SPDX-License-Identifier: MIT
// `holdover regress`: many runs, each drawn from its seed, side by side.
#pragma once

#include <string>

#include "cli/command.h"

namespace holdover::cli {

// `program` is what replay lines begin with.
[[nodiscard]] Command add_regress_command(CLI::App& app, const std::string& program);

}  // namespace holdover::cli
