// SPDX-License-Identifier: MIT
#include "bench/verdict.h"

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

std::string_view to_string(Check check) { return kChecks[static_cast<unsigned>(check)].text; }
std::string_view identifier(Check check) { return kChecks[static_cast<unsigned>(check)].identifier; }
std::string_view to_string(CheckStatus status) { return kStatuses[static_cast<unsigned>(status)]; }
std::string_view to_string(InvariantStatus status) { return kInvariantStatuses[static_cast<unsigned>(status)]; }
std::string_view to_string(Outcome outcome) { return kOutcomes[static_cast<unsigned>(outcome)]; }

}  // namespace holdover::bench
