// SPDX-License-Identifier: MIT
#include "bench/field/field_report.h"

#include <ostream>

#include "bench/field/continuity.h"
#include "bench/ledger/scene.h"
#include "bench/verdict_report.h"
#include "host/driver/endpoint_regs.h"

namespace holdover::bench {

void print(std::ostream& out, const FieldReport& report, bool colour) {
  namespace global = host::regs::global;
  const Look& begin = report.state.begin;
  const SilenceLimit limit = silence_limit(report.state);
  out << "endpoint at " << text_of(report.state.bdf) << ", "
      << global::kCapabilitiesDataBytes.extract(begin.capabilities) * 8 << " bits, "
      << global::kCapabilitiesChannels.extract(begin.capabilities)
      << " channels; witness: its monitor, its memory, its configuration space\n"
      << "times are of the endpoint's clock, from its fundamental reset on\n\n";
  if (limit.limit > Time{0}) {
    out << "silence limit " << readable_time(limit.limit) << " = "
        << (limit.declared ? std::string("declared")
                           : "twice " + readable_time(limit.steady) + ", the longest of " +
                                 std::to_string(limit.records) + " records of the steady traffic")
        << "\n\n";
  }
  print_checks(out, report.verdict, colour);
  if (report.verdict.outcome != Outcome::Pass && !report.console.empty()) {
    out << "what the agent said:\n";
    for (const std::string& line : report.console) out << "  " << line << '\n';
    out << '\n';
  }
  print_headline(out, report.verdict, colour);
}

std::string to_junit(const FieldReport& report) {
  return to_junit(report.verdict, "holdover board " + report.target, report.command);
}

int exit_code(const FieldReport& report) {
  constexpr int kInconclusive = 3;
  switch (report.verdict.outcome) {
    case Outcome::Pass:
      return 0;
    case Outcome::Fail:
      return 1;
    case Outcome::Inconclusive:
      return kInconclusive;
  }
  return kInconclusive;
}

}  // namespace holdover::bench
