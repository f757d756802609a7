// SPDX-License-Identifier: MIT
// `holdover mount`: the PCI devices of a simulated machine for programs that read sysfs.
#pragma once

#include <string>

#include "cli/command.h"

namespace holdover::cli {

[[nodiscard]] Command add_mount_command(CLI::App& app, const std::string& program);

}  // namespace holdover::cli
