// SPDX-License-Identifier: MIT
// `holdover board`: what a board of this machine needs, and the update around a kexec that is none of ours.
#pragma once

#include <string>

#include "cli/command.h"

namespace holdover::cli {

// `program`: as it was called.
[[nodiscard]] Command add_board_command(CLI::App& app, const std::string& program);

}  // namespace holdover::cli
