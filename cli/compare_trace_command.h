// SPDX-License-Identifier: MIT
// `holdover compare-trace`: the emulated kernel beside a recorded one.
#pragma once

#include "cli/command.h"

namespace holdover::cli {

[[nodiscard]] Command add_compare_trace_command(CLI::App& app);

}  // namespace holdover::cli
