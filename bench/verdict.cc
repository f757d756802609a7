// SPDX-License-Identifier: MIT
#include "bench/verdict.h"

#include <algorithm>

namespace holdover::bench {
namespace {

struct CheckName {
  std::string_view text;
  std::string_view identifier;
};
constexpr std::array<CheckName, kCheckCount> kChecks = {{
    {"continuity", "continuity"},
    {"memory", "memory"},
    {"configuration space", "configuration"},
    {"BDF", "bdf"},
    {"IOMMU", "iommu"},
    {"interrupts", "interrupts"},
    {"resets and link", "reset_and_link"},
    {"protocol", "protocol"},
    {"handover", "handover"},
}};
constexpr std::array<std::string_view, 5> kStatuses = {"pass", "fail", "not observable", "not judged",
                                                       "not applicable"};
constexpr std::array<std::string_view, 3> kInvariantStatuses = {"held", "broken", "not judged"};
constexpr std::array<std::string_view, 3> kOutcomes = {"PASS", "FAIL", "INCONCLUSIVE"};

}  // namespace

std::string checks_with(const Verdict& verdict, CheckStatus status) {
  std::string names;
  for (const CheckResult& check : verdict.checks) {
    if (check.status == status) names += (names.empty() ? "" : ", ") + std::string(to_string(check.check));
  }
  return names;
}

std::string pass_headline(const Verdict& verdict) {
  const auto passed = std::count_if(verdict.checks.begin(), verdict.checks.end(),
                                    [](const CheckResult& check) { return check.status == CheckStatus::Pass; });
  std::string headline = "PASS (" + std::to_string(passed) + " of " + std::to_string(kCheckCount) + " checks";
  for (const CheckStatus status : {CheckStatus::NotObservable, CheckStatus::NotApplicable}) {
    const std::string which = checks_with(verdict, status);
    if (!which.empty()) headline += "; " + std::string(to_string(status)) + ": " + which;
  }
  return headline + ")";
}

std::string phase_of(const Finding& finding) {
  return finding.when.empty() ? "phase " + std::string(pcie::to_string(finding.phase)) : finding.when;
}

std::string_view to_string(Check check) { return kChecks[static_cast<unsigned>(check)].text; }
std::string_view identifier(Check check) { return kChecks[static_cast<unsigned>(check)].identifier; }
std::string_view to_string(CheckStatus status) { return kStatuses[static_cast<unsigned>(status)]; }
std::string_view to_string(InvariantStatus status) { return kInvariantStatuses[static_cast<unsigned>(status)]; }
std::string_view to_string(Outcome outcome) { return kOutcomes[static_cast<unsigned>(outcome)]; }

}  // namespace holdover::bench
