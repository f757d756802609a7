// SPDX-License-Identifier: MIT
// What `holdover run` was asked for: from texts to options.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bench/run.h"

namespace holdover::cli {

struct RunRequest {
  std::string program = "holdover";  // as it was called
  std::optional<std::filesystem::path> config;
  std::vector<std::pair<std::string, std::string>> settings;  // option name and text, as on the command line
};

// Configuration file first, command line over it. Throws Error that names the option.
[[nodiscard]] bench::RunOptions compose(const RunRequest& request);

}  // namespace holdover::cli
