// SPDX-License-Identifier: MIT
// The report for continuous integration: one test case per check.
#include <sstream>
#include <string>

#include "bench/run.h"
#include "bench/verdict_report.h"

namespace holdover::bench {
namespace {

// Text of an attribute or element; control characters that XML 1.0 cannot carry become a question mark.
std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' ? '?' : c;
    }
  }
  return result;
}

void write_case(std::ostream& out, const CheckResult& check) {
  out << "    <testcase classname=\"holdover\" name=\"" << escaped(to_string(check.check)) << "\">\n";
  switch (check.status) {
    case CheckStatus::Pass:
      break;
    case CheckStatus::Fail:
      out << "      <failure message=\"" << escaped(check.first ? check.first->sentence : check.figure) << "\">"
          << escaped(check.first ? check.first->cause : std::string()) << "</failure>\n";
      break;
    case CheckStatus::NotJudged:
      out << "      <error message=\"not judged\"/>\n";
      break;
    case CheckStatus::NotObservable:
    case CheckStatus::NotApplicable:
      out << "      <skipped message=\"" << escaped(to_string(check.status)) << "\"/>\n";
      break;
  }
  out << "      <system-out>" << escaped(check.figure) << "</system-out>\n    </testcase>\n";
}

}  // namespace

std::string to_junit(const Verdict& verdict, const std::string& suite, const std::string& command) {
  std::uint64_t failures = 0;
  std::uint64_t errors = 0;
  std::uint64_t skipped = 0;
  for (const CheckResult& check : verdict.checks) {
    failures += check.status == CheckStatus::Fail ? 1 : 0;
    errors += check.status == CheckStatus::NotJudged ? 1 : 0;
    skipped += check.status == CheckStatus::NotObservable || check.status == CheckStatus::NotApplicable ? 1 : 0;
  }
  std::ostringstream out;
  out << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"" << escaped(suite)
      << "\" tests=\"" << kCheckCount << "\" failures=\"" << failures << "\" errors=\"" << errors << "\" skipped=\""
      << skipped << "\">\n    <properties>\n      <property name=\"command\" value=\"" << escaped(command)
      << "\"/>\n      <property name=\"headline\" value=\"" << escaped(verdict.headline) << "\"/>\n    </properties>\n";
  for (const CheckResult& check : verdict.checks) write_case(out, check);
  out << "  </testsuite>\n</testsuites>\n";
  return out.str();
}

std::string to_junit(const Report& report) {
  return to_junit(report.verdict,
                  "holdover " + report.options.scenario + " " + report.options.profile + " " + report.options.topology +
                      " seed " + std::to_string(report.options.seed),
                  command_line(report.options));
}

}  // namespace holdover::bench
