// SPDX-License-Identifier: MIT
// `holdover devices`: the PCI functions of a sysfs tree, and which of them can be used.
#pragma once

#include "cli/command.h"

namespace holdover::cli {

[[nodiscard]] Command add_devices_command(CLI::App& app);

}  // namespace holdover::cli
