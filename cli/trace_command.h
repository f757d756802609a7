// SPDX-License-Identifier: MIT
// `holdover trace`: prints a TLP trace, or part of it, and turns it into formats of others.
#pragma once

#include "cli/command.h"

namespace holdover::cli {

[[nodiscard]] Command add_trace_command(CLI::App& app);

}  // namespace holdover::cli
