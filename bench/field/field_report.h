// SPDX-License-Identifier: MIT
// The report of a verdict in the field: for people, for programs, for continuous integration.
#pragma once

#include <deque>
#include <iosfwd>
#include <string>

#include "bench/field/field_judge.h"

namespace holdover::bench {

struct FieldReport {
  std::string version;
  std::string commit;
  std::string target;   // «vfio:0000:01:00.0»
  std::string command;  // that was given
  FieldState state;
  FieldObservation seen;
  Verdict verdict;
  std::deque<std::string> console;  // what the agent said
};

void print(std::ostream& out, const FieldReport& report, bool colour);
// All times are of the endpoint's clock, which counts from its fundamental reset: fields that end in _ps.
[[nodiscard]] std::string to_json(const FieldReport& report);
[[nodiscard]] std::string to_junit(const FieldReport& report);
// 0 PASS, 1 FAIL, 3 INCONCLUSIVE.
[[nodiscard]] int exit_code(const FieldReport& report);

}  // namespace holdover::bench
