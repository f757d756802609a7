// SPDX-License-Identifier: MIT
// `holdover list`: every name that `holdover run` accepts, each with its sentence.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"

namespace holdover::cli {

[[nodiscard]] Command add_list_command(CLI::App& app);

// The names of a section («faults»); of policies each as «name=value». Empty for a section that does not exist.
[[nodiscard]] std::vector<std::string> names_in_list(const std::string& section);

}  // namespace holdover::cli
