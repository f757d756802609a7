// SPDX-License-Identifier: MIT
#include "bench/judge.h"

#include <algorithm>
#include <utility>

#include "bench/figures.h"

namespace holdover::bench {
namespace {

constexpr std::uint64_t kClockPeriodPs = 4000;

bool judged(const Ledgers& ledgers, unsigned endpoint) {
  return ((ledgers.scene.judged_endpoints() >> endpoint) & 1) != 0;
}

// Checks that say something about all endpoints, also about those that are not handed over.
bool concerns_everybody(Check check) { return check == Check::Memory || check == Check::Iommu; }

// Whether the witness of this check saw anything at all.
bool observed(const Ledgers& ledgers, Check check) {
  const Scene& scene = ledgers.scene;
  switch (check) {
    case Check::Continuity:
      for (unsigned endpoint = 0; endpoint < scene.endpoint_count(); ++endpoint) {
        if (judged(ledgers, endpoint) && ledgers.endpoints[endpoint].heartbeat().records() == 0) return false;
      }
      return true;
    case Check::Memory:
      return ledgers.memory.bytes_compared() != 0;
    case Check::Configuration:
      return ledgers.config.functions() != 0;
    case Check::Bdf:
      return ledgers.identity.tlps() != 0;
    case Check::Iommu:
      return ledgers.translation.translations() != 0;
    case Check::Interrupts:
      return std::any_of(ledgers.endpoints.begin(), ledgers.endpoints.end(), [](const EndpointLedger& endpoint) {
        return std::any_of(endpoint.interrupts().vectors().begin(), endpoint.interrupts().vectors().end(),
                           [](const InterruptLedger::Vector& vector) { return vector.events != 0; });
      });
    case Check::ResetAndLink:
      return true;
    case Check::Protocol:
      return ledgers.requests.requests() != 0;
    case Check::Handover:
      return scene.jumped() || scene.find(pcie::Step::KexecRefused) != nullptr;
  }
  return false;
}

CheckResult judge_check(const Ledgers& ledgers, Check check, const RunOptions& options, bool complete) {
  CheckResult result;
  result.check = check;
  const std::uint32_t endpoints = concerns_everybody(check) ? ~0u : ledgers.scene.judged_endpoints();
  result.finding_count = ledgers.evidence.count(check, endpoints);
  result.first = ledgers.evidence.first(check, endpoints);
  if (result.finding_count != 0) {
    result.status = CheckStatus::Fail;
  } else if (check == Check::Handover && options.jump == Jump::None) {
    result.status = CheckStatus::NotApplicable;
  } else if (complete && ledgers.scene.window_begin() && ledgers.scene.window_end() && observed(ledgers, check)) {
    result.status = CheckStatus::Pass;
  } else {
    result.status = CheckStatus::NotJudged;
  }
  describe_figures(ledgers, result);
  return result;
}

std::string names(const Verdict& verdict, CheckStatus status) {
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
    const std::string which = names(verdict, status);
    if (!which.empty()) headline += "; " + std::string(to_string(status)) + ": " + which;
  }
  return headline + ")";
}

std::string fail_headline(const Ledgers& ledgers, const Verdict& verdict) {
  std::string headline = "FAIL (" + names(verdict, CheckStatus::Fail) + ")";
  if (const Scene::Mark* refused = ledgers.scene.find(pcie::Step::KexecRefused)) {
    return headline + ": update refused: errno " + std::to_string(refused->value) + ", step " +
           std::string(pcie::to_string(refused->phase));
  }
  if (!verdict.first) return headline;
  return headline + ": " + (verdict.first->cause.empty() ? verdict.first->sentence : verdict.first->cause);
}

std::string inconclusive_reason(const Ledgers& ledgers, const Verdict& verdict, const RunEnd& end) {
  if (end.kind == RunEnd::Kind::Died) {
    return end.reason + " in phase " + std::string(pcie::to_string(ledgers.scene.phase()));
  }
  if (!ledgers.scene.window_begin()) {
    return "the window never opened: the run ended in phase " + std::string(pcie::to_string(ledgers.scene.phase())) +
           (end.reason.empty() ? std::string() : " (" + end.reason + ")");
  }
  return "a witness saw nothing: " + names(verdict, CheckStatus::NotJudged);
}

}  // namespace

Verdict judge(const Ledgers& ledgers, const RunOptions& options, const RunEnd& end) {
  Verdict verdict;
  const bool complete = end.kind != RunEnd::Kind::Died;
  for (unsigned i = 0; i < kCheckCount; ++i) {
    verdict.checks[i] = judge_check(ledgers, static_cast<Check>(i), options, complete);
    const std::optional<Finding>& first = verdict.checks[i].first;
    if (first && (!verdict.first || first->time < verdict.first->time)) verdict.first = first;
  }
  const auto any = [&verdict](CheckStatus status) {
    return std::any_of(verdict.checks.begin(), verdict.checks.end(),
                       [status](const CheckResult& check) { return check.status == status; });
  };
  const bool opened = ledgers.scene.window_begin().has_value();
  const bool passable = opened && !any(CheckStatus::NotJudged);
  if (end.kind == RunEnd::Kind::Died || (!any(CheckStatus::Fail) && !passable)) {
    verdict.outcome = Outcome::Inconclusive;
    verdict.reason = inconclusive_reason(ledgers, verdict, end);
    verdict.headline = "INCONCLUSIVE: " + verdict.reason;
  } else if (any(CheckStatus::Fail)) {
    verdict.outcome = Outcome::Fail;
    verdict.headline = fail_headline(ledgers, verdict);
  } else {
    verdict.outcome = Outcome::Pass;
    verdict.headline = pass_headline(verdict);
  }
  return verdict;
}

std::vector<PhaseRow> phase_rows(const Ledgers& ledgers, Time end) {
  std::vector<PhaseRow> rows;
  const std::vector<Scene::Segment>& segments = ledgers.scene.segments();
  for (std::size_t i = 0; i < segments.size(); ++i) {
    PhaseRow row;
    row.phase = segments[i].phase;
    row.host = segments[i].host;
    row.begin = segments[i].begin;
    row.end = i + 1 < segments.size() ? segments[i + 1].begin : std::max(end, segments[i].begin);
    row.clocks = Cycles{row.end.count() / kClockPeriodPs - row.begin.count() / kClockPeriodPs};
    row.config_writes = ledgers.config.writes_in(i);
    for (unsigned endpoint = 0; endpoint < ledgers.endpoints.size(); ++endpoint) {
      const auto& counts = ledgers.endpoints[endpoint].heartbeat().segments();
      if (!judged(ledgers, endpoint) || i >= counts.size()) continue;
      row.records += counts[i].records;
      const std::optional<Time>& silence = counts[i].longest_silence;
      if (silence && (!row.longest_silence || *silence > *row.longest_silence)) row.longest_silence = silence;
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace holdover::bench
