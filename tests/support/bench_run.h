// SPDX-License-Identifier: MIT
// Whole runs for tests: the shortest window, in this process, and a report that explains itself where a test fails.
#pragma once

#include <ostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "bench/run.h"
#include "sim/witness.h"

namespace holdover::bench {

// Found by GoogleTest through the argument's namespace.
inline void PrintTo(const Report& report, std::ostream* out) {
  *out << '\n';
  print(*out, report, false);
}

namespace testing {

inline RunOptions short_run(std::vector<std::string> faults = {}) {
  RunOptions options;
  options.isolation = Isolation::InProcess;
  options.blackout = Time{100'000'000};
  options.before = Time{40'000'000};
  options.after = Time{60'000'000};
  options.faults = std::move(faults);
  return options;
}

inline Report run_whole(const RunOptions& options) { return run(options, sim::build_machine); }

inline std::string text_of(const Report& report) {
  std::ostringstream out;
  print(out, report, false);
  return out.str();
}

}  // namespace testing
}  // namespace holdover::bench
