// SPDX-License-Identifier: MIT
// What a verb of the command line is: its own options, and what it does once they are parsed.
#pragma once

#include <functional>

namespace CLI {  // NOLINT(readability-identifier-naming): the library's
class App;
}

namespace holdover::cli {

// Exit codes beside bench::exit_code().
inline constexpr int kExitUsage = 2;  // usage, environment, or interrupted

struct Command {
  CLI::App* app = nullptr;   // outlived by the application it was added to
  std::function<int()> run;  // called where the verb was given; returns the exit code, throws Error
};

// Throws Error{Unavailable} where standard output did not take all of what was printed, and of what stands in the way:
// `advice` tells another way to the same answer.
void require_written(const char* advice = nullptr);

}  // namespace holdover::cli
