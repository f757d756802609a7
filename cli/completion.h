// SPDX-License-Identifier: MIT
// What can come next on the command line, from the tree of its verbs and options: `holdover complete WORD...` says it
// to the shell (cli/holdover.bash).
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"

namespace holdover::cli {

struct Completion {
  std::vector<std::string> candidates;  // for the last word, whole
  bool files = false;                   // or the name of a file
};

// `words` are those behind the program's name, the last one as far as it was typed.
[[nodiscard]] Completion complete(const CLI::App& app, const std::vector<std::string>& words);

// Hidden from people. `app` outlives the command.
[[nodiscard]] Command add_complete_command(CLI::App& app);

}  // namespace holdover::cli
