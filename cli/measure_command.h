// SPDX-License-Identifier: MIT
// `holdover measure`: throughput and latency beside their theory.
#pragma once

#include <string>

#include "cli/command.h"

namespace holdover::cli {

// `program`: as it was called.
[[nodiscard]] Command add_measure_command(CLI::App& app, const std::string& program);

}  // namespace holdover::cli
