// SPDX-License-Identifier: MIT
// The manual page, from the tree of verbs and options: `holdover manual` prints it.
#pragma once

#include <iosfwd>

#include "cli/command.h"

namespace holdover::cli {

// roff for man(7).
void print_manual_page(std::ostream& out, const CLI::App& app);

// Hidden from people. `app` outlives the command.
[[nodiscard]] Command add_manual_command(CLI::App& app);

}  // namespace holdover::cli
