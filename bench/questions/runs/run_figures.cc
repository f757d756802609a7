// SPDX-License-Identifier: MIT
#include "bench/questions/runs/run_figures.h"

#include <algorithm>
#include <cstring>

#include "bench/ledger/scene.h"

namespace holdover::bench {

RunOptions with(const Laboratory& laboratory, std::string profile, const std::vector<std::string>& policies) {
  RunOptions options = laboratory.options();
  options.profile = std::move(profile);
  options.policies.insert(options.policies.end(), policies.begin(), policies.end());
  return options;
}

std::uint64_t number(const Report& report, Check check, std::string_view name) {
  const std::vector<Figure>& numbers = report.verdict.check(check).numbers;
  const auto found =
      std::find_if(numbers.begin(), numbers.end(), [&](const Figure& each) { return each.name == name; });
  return found == numbers.end() ? 0 : found->value;
}

Time time_of(const Report& report, Check check, std::string_view name) { return Time{number(report, check, name)}; }

bool passed(const Report& report, Check check) { return report.verdict.check(check).status == CheckStatus::Pass; }

bool failed(const Report& report, Check check) { return report.verdict.check(check).status == CheckStatus::Fail; }

std::string outcome(const Report& report) {
  if (report.verdict.outcome != Outcome::Fail) return std::string(to_string(report.verdict.outcome));
  std::vector<std::string> names;
  for (const CheckResult& check : report.verdict.checks) {
    if (check.status == CheckStatus::Fail) names.emplace_back(to_string(check.check));
  }
  std::string text = "FAIL (";
  for (const std::string& name : names) text += (name == names.front() ? "" : ", ") + name;
  return text + ")";
}

std::string reason(const Report& report) {
  if (!report.verdict.first) return report.verdict.reason;
  return report.verdict.first->cause.empty() ? report.verdict.first->sentence : report.verdict.first->cause;
}

bool undisturbed(const Report& report) {
  // What is under way when the host halts has no end, and nobody disturbed it.
  const auto disturbed = [&](Check check) {
    return failed(report, check) && report.verdict.check(check).first->phase != pcie::Phase::Halt;
  };
  return !disturbed(Check::Continuity) && !disturbed(Check::Memory) && !disturbed(Check::Iommu) &&
         !disturbed(Check::ResetAndLink) && !disturbed(Check::Protocol) &&
         number(report, Check::Continuity, "records") != 0;
}

std::string dma_text(const Report& report) {
  const std::uint64_t absent = number(report, Check::Continuity, "absent");
  const std::uint64_t resets = number(report, Check::ResetAndLink, "resets");
  const std::uint64_t faults = number(report, Check::Iommu, "faults");
  const std::uint64_t untranslated = number(report, Check::Iommu, "untranslated");
  const std::uint64_t strays = number(report, Check::Memory, "stray_accesses");
  const std::uint64_t refused = number(report, Check::Protocol, "refused");
  std::string text = "longest silence " + readable_time(time_of(report, Check::Continuity, "longest_silence_ps")) +
                     " of " + readable_time(time_of(report, Check::Continuity, "silence_limit_ps")) + ", " +
                     (absent == 0 ? "no record" : counted(absent, "record")) + " lost";
  if (resets != 0) text += ", " + counted(resets, "reset");
  if (refused != 0) text += ", " + counted(refused, "request") + " refused";
  if (faults != 0) text += ", " + counted(faults, "IOMMU fault");
  if (untranslated != 0) text += ", " + counted(untranslated, "access") + " untranslated";
  if (strays != 0) text += ", " + counted(strays, "access") + " to foreign pages";
  return text;
}

std::uint64_t records_in_blackout(const Report& report) {
  std::uint64_t records = 0;
  for (const PhaseRow& row : report.phases) {
    if (row.phase == pcie::Phase::Blackout) records += row.records;
  }
  return records;
}

std::string listed(const std::vector<std::string>& words, std::string_view none) {
  if (words.empty()) return std::string(none);
  std::string text = words.front();
  for (std::size_t index = 1; index < words.size(); ++index) {
    text += (index + 1 == words.size() ? " and " : ", ") + words[index];
  }
  return text;
}

std::string counted(std::uint64_t count, std::string_view thing) {
  const std::string_view plural = thing.ends_with('s') ? "es" : "s";
  return std::to_string(count) + " " + std::string(thing) + std::string(count == 1 ? "" : plural);
}

std::string errno_name(int value) {
  const char* const name = strerrorname_np(value);
  return name == nullptr ? "errno " + std::to_string(value) : std::string(name);
}

}  // namespace holdover::bench
