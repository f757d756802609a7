// SPDX-License-Identifier: MIT
// One run in a process of its own: whatever becomes of it, the campaign goes on.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/run.h"
#include "pcie/file_descriptor.h"

namespace holdover::cli {

struct RunResult {
  enum class Outcome { Pass, Fail, Inconclusive, Error };
  Outcome outcome = Outcome::Error;  // Fail where the process crashed
  std::uint64_t clocks = 0;
  std::uint64_t wall_microseconds = 0;
  std::vector<bench::Check> failed;          // in their order
  std::optional<bench::Check> first_failed;  // the one of the earliest finding
  std::string sentence;                      // the headline, or what went wrong
};

class ChildRun {
 public:
  // Starts at once. Throws Error{Unavailable} where no process can be made.
  explicit ChildRun(bench::RunOptions options);
  ChildRun(ChildRun&&) noexcept;
  ChildRun& operator=(ChildRun&&) noexcept;
  // Ends the process where it still runs.
  ~ChildRun();

  [[nodiscard]] const bench::RunOptions& options() const { return options_; }
  // Becomes readable when there is something to read().
  [[nodiscard]] int descriptor() const { return pipe_.number(); }
  // Takes what has come; true when that was the end.
  [[nodiscard]] bool read();
  // After the end.
  [[nodiscard]] RunResult result();

 private:
  void end();

  bench::RunOptions options_;
  FileDescriptor pipe_;
  pid_t pid_ = -1;
  std::string text_;
};

}  // namespace holdover::cli
