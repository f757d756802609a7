// SPDX-License-Identifier: MIT
// `holdover matrix`: an update from each kernel to each.
#pragma once

#include <string>

#include "cli/command.h"

namespace holdover::cli {

[[nodiscard]] Command add_matrix_command(CLI::App& app, const std::string& program);

}  // namespace holdover::cli
