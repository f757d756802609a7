// SPDX-License-Identifier: MIT
// `holdover serve`: the endpoint as a vfio-user device.
#pragma once

#include <string>

#include "cli/command.h"

namespace holdover::cli {

[[nodiscard]] Command add_serve_command(CLI::App& app, const std::string& program);

}  // namespace holdover::cli
