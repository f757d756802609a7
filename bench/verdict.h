// SPDX-License-Identifier: MIT
// What a run is judged by: nine checks, each with its figure and its first finding, and one outcome. docs/verdict.md
// explains them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pcie/instrument.h"
#include "pcie/units.h"

namespace holdover::bench {

enum class Check : std::uint8_t {
  Continuity,
  Memory,
  Configuration,
  Bdf,
  Iommu,
  Interrupts,
  ResetAndLink,
  Protocol,
  Handover,
};
inline constexpr unsigned kCheckCount = 9;
inline constexpr unsigned kInvariantCount = 14;

enum class CheckStatus : std::uint8_t {
  Pass,
  Fail,
  NotObservable,  // this lane cannot see it
  NotJudged,      // the run ended before it could be judged
  NotApplicable,  // the run did not ask for it (`jump none` and the handover)
};

// A number behind a check's figure, for programs.
struct Figure {
  std::string name;  // «longest_silence_ps»
  std::uint64_t value = 0;
};

// One thing that went against a check.
struct Finding {
  Time time;
  pcie::Phase phase = pcie::Phase::Boot;
  std::string sentence;  // what was seen, and where
  std::string cause;     // the event that explains it: who, where, when; empty where nothing seen explains it
  std::string host{};    // under whom: «kernel A», «nobody»
  pcie::Step step = pcie::Step::Begin;  // the last mark before it
  std::string when{};                   // in words, where nobody knows the phase
};

// «phase blackout», or when it was.
[[nodiscard]] std::string phase_of(const Finding& finding);

enum class InvariantStatus : std::uint8_t { Held, Broken, NotJudged };

// One row of the table of invariants of live update (docs/verdict.md).
struct Invariant {
  unsigned number = 0;  // from 1
  std::string_view sentence;
  InvariantStatus status = InvariantStatus::NotJudged;
  std::optional<Finding> broken_by;  // the first finding that breaks it
};

struct CheckResult {
  Check check = Check::Continuity;
  CheckStatus status = CheckStatus::NotJudged;
  std::string figure;  // one line for people
  std::vector<Figure> numbers;
  std::uint64_t finding_count = 0;
  std::optional<Finding> first;
};

enum class Outcome : std::uint8_t { Pass, Fail, Inconclusive };

struct Verdict {
  Outcome outcome = Outcome::Inconclusive;
  std::string headline;          // «PASS (9 of 9 checks)», «FAIL (continuity, handover): …»
  std::string reason;            // INCONCLUSIVE: which witness went blind, or how the host died
  std::optional<Finding> first;  // the earliest finding of all failed checks
  std::array<CheckResult, kCheckCount> checks;
  std::vector<Invariant> invariants;  // in the order of their numbers

  [[nodiscard]] const CheckResult& check(Check which) const { return checks[static_cast<unsigned>(which)]; }
};

// Names of the checks that have this status: «continuity, memory».
[[nodiscard]] std::string checks_with(const Verdict& verdict, CheckStatus status);
// «PASS (7 of 9 checks; not observable: IOMMU, handover)».
[[nodiscard]] std::string pass_headline(const Verdict& verdict);

[[nodiscard]] std::string_view to_string(Check check);             // «configuration space»
[[nodiscard]] std::string_view identifier(Check check);            // «configuration», as in JSON
[[nodiscard]] std::string_view to_string(CheckStatus status);      // «not observable»
[[nodiscard]] std::string_view to_string(Outcome outcome);         // «PASS»
[[nodiscard]] std::string_view to_string(InvariantStatus status);  // «not judged»

}  // namespace holdover::bench
