// SPDX-License-Identifier: MIT
// `holdover list`: every name that `holdover run` accepts, each with its sentence.
#pragma once

#include "cli/command.h"

namespace holdover::cli {

[[nodiscard]] Command add_list_command(CLI::App& app);

}  // namespace holdover::cli
