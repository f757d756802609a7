// SPDX-License-Identifier: MIT
// What a campaign has found so far: a table for people, a record for programs.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "bench/run.h"
#include "cli/child_run.h"

namespace holdover::cli {

class RegressReport {
 public:
  void add(const bench::RunOptions& options, const RunResult& result);

  [[nodiscard]] std::uint64_t done() const { return total_.runs(); }
  [[nodiscard]] std::uint64_t passed() const { return total_.passed; }
  // 0 all passed, 1 one failed, 2 one could not be run, 3 one is inconclusive.
  [[nodiscard]] int exit_code() const;
  void print(std::ostream& out) const;
  // `asked`: runs that the campaign was to have; `missing`: models that could not be drawn.
  [[nodiscard]] std::string to_json(std::uint64_t first, std::uint64_t asked,
                                    const std::vector<std::string>& missing) const;

 private:
  struct Count {
    std::uint64_t passed = 0;
    std::uint64_t failed = 0;
    std::uint64_t inconclusive = 0;
    std::uint64_t errors = 0;
    std::uint64_t clocks = 0;
    std::uint64_t wall_microseconds = 0;
    [[nodiscard]] std::uint64_t runs() const { return passed + failed + inconclusive + errors; }
  };
  struct Finding {
    bench::RunOptions options;
    RunResult result;
  };
  static void count(Count& count, const RunResult& result);
  static void print_row(std::ostream& out, const std::string& topology, const std::string& width, const Count& count);

  Count total_;
  std::map<std::pair<std::string, unsigned>, Count> counts_;  // by topology and width
  std::vector<Finding> findings_;
};

// «fail», «inconclusive», …
[[nodiscard]] const char* name_of(RunResult::Outcome outcome);

}  // namespace holdover::cli
