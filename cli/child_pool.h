// SPDX-License-Identifier: MIT
// Many runs, some of them side by side, each in a process of its own.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "cli/child_run.h"

namespace holdover::cli {

class ChildPool {
 public:
  // The next run; nothing where no other is to be started.
  using Next = std::function<std::optional<bench::RunOptions>()>;
  // A run has ended, however.
  using Finished = std::function<void(const bench::RunOptions&, const RunResult&)>;

  // `jobs` runs side by side, 1 or more.
  ChildPool(unsigned jobs, Next next, Finished finished);

  // Until nothing is left to start and every run has ended, or a signal asks for an end.
  void run();

 private:
  void wait();

  unsigned jobs_;
  Next next_;
  Finished finished_;
  std::vector<ChildRun> running_;
};

}  // namespace holdover::cli
