// SPDX-License-Identifier: MIT
// The parts of a report that every verdict has, whoever the witness was.
#pragma once

#include <iosfwd>
#include <string>

#include "bench/verdict.h"

namespace holdover::bench {

// The nine checks with their figures and first findings.
void print_checks(std::ostream& out, const Verdict& verdict, bool colour);
void print_headline(std::ostream& out, const Verdict& verdict, bool colour);
// An array with an object for each check, as the record has it (bench/report.schema.json, «checks»).
[[nodiscard]] std::string checks_to_json(const Verdict& verdict);
// An object, or «null» where there is none.
[[nodiscard]] std::string first_finding_to_json(const Verdict& verdict);
// One test case per check.
[[nodiscard]] std::string to_junit(const Verdict& verdict, const std::string& suite, const std::string& command);

}  // namespace holdover::bench
