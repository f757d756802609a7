// SPDX-License-Identifier: MIT
// Experiments for tests: short runs in this process, of which something may be changed.
#pragma once

#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "bench/questions/question.h"
#include "tests/support/bench_run.h"

namespace holdover::bench {

// Found by GoogleTest through the argument's namespace.
inline void PrintTo(const Answer& answer, std::ostream* out) {
  *out << '\n' << (answer.decided ? "answer: " : "undecided: ") << answer.sentence << '\n';
  for (const Observation& seen : answer.observations) *out << "  " << seen.what << ": " << seen.seen << '\n';
}

namespace testing {

inline Answer ask(const std::string& question, const RunOptions& base = short_run(),
                  const MachineFactory& machines = sim::build_machine) {
  return find_question(question).ask(Laboratory(base, machines));
}
inline Answer ask_with_fault(const std::string& question, const std::string& fault) {
  return ask(question, short_run({fault}));
}
inline Answer ask_with_policy(const std::string& question, const std::string& policy) {
  RunOptions base = short_run();
  base.policies.push_back(policy);
  return ask(question, base);
}

// What was seen of the thing that is named so; empty where it was not looked at.
inline std::string seen(const Answer& answer, const std::string& what) {
  for (const Observation& each : answer.observations) {
    if (each.what == what) return each.seen;
  }
  return {};
}

}  // namespace testing
}  // namespace holdover::bench
