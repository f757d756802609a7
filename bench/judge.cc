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

template <typename Predicate>
bool for_all_judged(const Ledgers& ledgers, const Predicate& holds) {
  for (unsigned endpoint = 0; endpoint < ledgers.scene.endpoint_count(); ++endpoint) {
    if (judged(ledgers, endpoint) && !holds(endpoint)) return false;
  }
  return true;
}

// Whether each kind of stream was seen to run in a form that the ledgers can follow to its end, until after the window.
bool streams_followed(const Ledgers& ledgers, const RunOptions& options, unsigned endpoint) {
  const HeartbeatLedger& heartbeat = ledgers.endpoints[endpoint].heartbeat();
  const Time closed = ledgers.scene.window_end().value_or(Time{0});
  if (heartbeat.records() == 0 || heartbeat.last_sign() < closed) return false;
  if (heartbeat.cells() == 0 || heartbeat.last_cell() < closed) return false;
  BulkChannels followed;
  for (const ChannelLedger& channel : ledgers.endpoints[endpoint].channels()) {
    if (!channel.ever_ran()) continue;
    if (!channel.endless() || channel.bytes() == 0 || channel.last_progress() < closed) return false;
    ++(channel.to_host() ? followed.to_host : followed.to_card);
  }
  const BulkChannels asked = bulk_channels(options);
  return followed.to_host >= asked.to_host && followed.to_card >= asked.to_card;
}

// Whether streams were watched for as long as they were to be: until the host stopped them, or, where nothing was
// handed over to it, until the host let go.
bool traffic_seen_out(const Scene& scene) {
  return scene.find(pcie::Step::TrafficStopped) != nullptr || scene.find(pcie::Step::NoHandover) != nullptr;
}

// Whether the witness of this check saw all that it is there to see.
bool observed(const Ledgers& ledgers, const RunOptions& options, Check check) {
  const Scene& scene = ledgers.scene;
  switch (check) {
    case Check::Continuity:
      return scene.find(pcie::Step::TrafficStarted) != nullptr && traffic_seen_out(scene) &&
             for_all_judged(ledgers, [&](unsigned endpoint) { return streams_followed(ledgers, options, endpoint); });
    case Check::Memory:
      return ledgers.memory.bytes_compared() != 0 && !ledgers.memory.compared_nothing();
    case Check::Configuration:
      return ledgers.config.functions() != 0;
    case Check::Bdf:
      return for_all_judged(ledgers, [&](unsigned endpoint) { return ledgers.identity.tlps_of(endpoint) != 0; });
    case Check::Iommu:
      return for_all_judged(ledgers, [&](unsigned endpoint) { return ledgers.translation.pages_of(endpoint) != 0; });
    case Check::Interrupts:
      return for_all_judged(ledgers, [&](unsigned endpoint) {
        const auto& vectors = ledgers.endpoints[endpoint].interrupts().vectors();
        return std::any_of(vectors.begin(), vectors.end(),
                           [](const InterruptLedger::Vector& vector) { return vector.arrived != 0; });
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
  } else if (complete && ledgers.scene.window_begin() && ledgers.scene.window_end() &&
             observed(ledgers, options, check)) {
    result.status = CheckStatus::Pass;
  } else {
    result.status = CheckStatus::NotJudged;
  }
  describe_figures(ledgers, result);
  return result;
}

std::string panic_reason(const Ledgers& ledgers, const RunEnd& end) {
  const pcie::Phase phase = ledgers.scene.panicked_in().value_or(ledgers.scene.phase());
  return "the host panicked in phase " + std::string(pcie::to_string(phase)) +
         (end.reason.empty() ? std::string() : ": " + end.reason);
}

std::string fail_headline(const Ledgers& ledgers, const Verdict& verdict, const RunEnd& end) {
  std::string headline = "FAIL (" + checks_with(verdict, CheckStatus::Fail) + ")";
  if (const Scene::Mark* refused = ledgers.scene.find(pcie::Step::KexecRefused)) {
    return headline + ": update refused: errno " + std::to_string(refused->value) + ", step " +
           std::string(pcie::to_string(refused->phase));
  }
  const Scene::Mark* const panic = ledgers.scene.find(pcie::Step::Panic);
  if (panic != nullptr && (!verdict.first || verdict.first->time >= panic->time)) {
    return headline + ": " + panic_reason(ledgers, end);
  }
  if (!verdict.first) return headline;
  return headline + ": " + (verdict.first->cause.empty() ? verdict.first->sentence : verdict.first->cause);
}

std::string inconclusive_reason(const Ledgers& ledgers, const Verdict& verdict, const RunEnd& end) {
  if (end.kind == RunEnd::Kind::Died) {
    return end.reason + " in phase " + std::string(pcie::to_string(ledgers.scene.phase()));
  }
  if (end.kind == RunEnd::Kind::Panicked) return panic_reason(ledgers, end);
  if (!end.not_struck.empty()) {
    return "the fault " + end.not_struck.front() + " did not strike: nothing of its kind came by";
  }
  if (!ledgers.scene.window_begin()) {
    return "the window never opened: the run ended in phase " + std::string(pcie::to_string(ledgers.scene.phase())) +
           (end.reason.empty() ? std::string() : " (" + end.reason + ")");
  }
  return "a witness saw nothing: " + checks_with(verdict, CheckStatus::NotJudged);
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
  verdict.invariants = ledgers.invariants.rows(verdict.checks);
  const auto any = [&verdict](CheckStatus status) {
    return std::any_of(verdict.checks.begin(), verdict.checks.end(),
                       [status](const CheckResult& check) { return check.status == status; });
  };
  const bool opened = ledgers.scene.window_begin().has_value();
  const bool passable =
      opened && end.kind == RunEnd::Kind::Halted && end.not_struck.empty() && !any(CheckStatus::NotJudged);
  if (end.kind == RunEnd::Kind::Died || (!any(CheckStatus::Fail) && !passable)) {
    verdict.outcome = Outcome::Inconclusive;
    verdict.reason = inconclusive_reason(ledgers, verdict, end);
    verdict.headline = "INCONCLUSIVE: " + verdict.reason;
  } else if (any(CheckStatus::Fail)) {
    verdict.outcome = Outcome::Fail;
    verdict.headline = fail_headline(ledgers, verdict, end);
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
