// SPDX-License-Identifier: MIT
// `holdover run`: from texts to options, one run, its report, and the exit code.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bench/run.h"

namespace holdover::cli {

// Exit codes beside bench::exit_code().
inline constexpr int kExitUsage = 2;  // usage, environment, or interrupted

struct RunRequest {
  std::string program = "holdover";  // as it was called
  std::optional<std::filesystem::path> config;
  std::vector<std::pair<std::string, std::string>> settings;  // option name and text, as on the command line
};

// Configuration file first, command line over it. Throws Error that names the option.
[[nodiscard]] bench::RunOptions compose(const RunRequest& request);

// Runs and prints; returns the exit code. Throws Error.
[[nodiscard]] int run(const RunRequest& request);

}  // namespace holdover::cli
