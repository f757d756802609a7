// SPDX-License-Identifier: MIT
#include "bench/ledger/evidence.h"

#include <algorithm>
#include <utility>

namespace holdover::bench {
namespace {

constexpr std::uint64_t kClockPeriodPs = 4000;
constexpr unsigned kNoEndpoint = 32;

bool selected(unsigned slot, std::uint32_t endpoints) { return slot == kNoEndpoint || ((endpoints >> slot) & 1) != 0; }

}  // namespace

void Evidence::disrupt(Time time, std::uint32_t endpoints, Rank rank, Checks explains, const std::string& what) {
  constexpr std::size_t kMost = 4096;
  if (disruptions_.size() >= kMost) return;  // far beyond what a search looks at
  const bool nobody = scene_.phase() == pcie::Phase::Blackout;
  const std::string who = nobody              ? " while no kernel ran"
                          : rank == Rank::Act ? " by " + std::string(scene_.host())
                                              : " under " + std::string(scene_.host());
  std::string sentence =
      what + who + ", phase " + std::string(pcie::to_string(scene_.phase())) + ", " + readable_time(time);
  disruptions_.push_back({time, endpoints, rank, explains, std::move(sentence)});
}

void Evidence::date(Observation& observation) const {
  const Scene::Segment& segment = scene_.segment_at(observation.time);
  observation.phase = segment.phase;
  observation.host = segment.host;
  const std::vector<Scene::Mark>& marks = scene_.marks();
  const auto last = std::find_if(marks.rbegin(), marks.rend(),
                                 [&](const Scene::Mark& mark) { return mark.time <= observation.time; });
  if (last != marks.rend()) observation.step = last->step;
}

void Evidence::note(Check check, Observation observation) {
  date(observation);
  std::optional<Breach>& breach = breaches_.at(observation.invariant)[observation.endpoint.value_or(kNoEndpoint)];
  if (!breach || observation.time < breach->observation.time) breach = Breach{check, std::move(observation)};
}

void Evidence::find(Check check, Observation observation) {
  date(observation);
  if (observation.invariant != 0) note(check, observation);
  Bucket& bucket = buckets_[static_cast<unsigned>(check)][observation.endpoint.value_or(kNoEndpoint)];
  ++bucket.count;
  if (bucket.kept.size() < kKept) bucket.kept.push_back(std::move(observation));
}

void Evidence::find(Check check, Time time, std::optional<unsigned> endpoint, std::string sentence) {
  Observation observation;
  observation.time = time;
  observation.since = time;
  observation.endpoint = endpoint;
  observation.sentence = std::move(sentence);
  find(check, std::move(observation));
}

std::uint64_t Evidence::count(Check check, std::uint32_t endpoints) const {
  std::uint64_t total = 0;
  for (unsigned slot = 0; slot < kSlots; ++slot) {
    if (selected(slot, endpoints)) total += buckets_[static_cast<unsigned>(check)][slot].count;
  }
  return total;
}

// The first act since all was well, and where there was none the first of a lesser rank; else the latest one in the
// window before that; only then what was itself a consequence. A disruption may come a little before `since`, because
// what was under way then still arrives.
const Evidence::Disruption* Evidence::cause_of(Check check, const Observation& observation) const {
  const Time from = observation.since.count() > slack_.count() ? observation.since - slack_ : Time{0};
  const Time earliest = std::min(from, scene_.window_begin().value_or(from));
  const auto fits = [&](const Disruption& disruption, Rank rank) {
    return disruption.rank == rank && disruption.time <= observation.time && disruption.time >= earliest &&
           ((disruption.explains >> static_cast<unsigned>(check)) & 1) != 0 &&
           (!observation.endpoint || ((disruption.endpoints >> *observation.endpoint) & 1) != 0) &&
           disruption.sentence.compare(0, observation.sentence.size(), observation.sentence) != 0;
  };
  const auto first_since = [&](Rank rank) -> const Disruption* {
    const auto found = std::find_if(disruptions_.begin(), disruptions_.end(), [&](const Disruption& disruption) {
      return fits(disruption, rank) && disruption.time >= from;
    });
    return found == disruptions_.end() ? nullptr : &*found;
  };
  const auto latest = [&](Rank rank) -> const Disruption* {
    const auto found = std::find_if(disruptions_.rbegin(), disruptions_.rend(),
                                    [&](const Disruption& disruption) { return fits(disruption, rank); });
    return found == disruptions_.rend() ? nullptr : &*found;
  };
  static constexpr std::array<Rank, 3> kRoots = {Rank::Act, Rank::Fault, Rank::Circumstance};
  for (const Rank rank : kRoots) {
    if (const Disruption* found = first_since(rank)) return found;
  }
  for (const Rank rank : kRoots) {
    if (const Disruption* found = latest(rank)) return found;
  }
  if (const Disruption* found = first_since(Rank::Consequence)) return found;
  return latest(Rank::Consequence);
}

Finding Evidence::explain(Check check, const Observation& observation) const {
  Finding finding{observation.time,  observation.phase, observation.sentence,
                  observation.cause, observation.host,  observation.step};
  if (!finding.cause.empty() || !observation.caused) return finding;
  const Disruption* cause = cause_of(check, observation);
  if (cause == nullptr) return finding;
  finding.cause = cause->sentence;
  if (observation.due && *observation.due >= cause->time) {
    const std::uint64_t clocks = (*observation.due - cause->time).count() / kClockPeriodPs;
    finding.cause += "; first lost record " + std::to_string(clocks) + " clocks later";
  }
  return finding;
}

std::vector<Finding> Evidence::list(Check check, std::uint32_t endpoints) const {
  std::vector<const Observation*> kept;
  for (unsigned slot = 0; slot < kSlots; ++slot) {
    if (!selected(slot, endpoints)) continue;
    for (const Observation& observation : buckets_[static_cast<unsigned>(check)][slot].kept)
      kept.push_back(&observation);
  }
  std::stable_sort(kept.begin(), kept.end(),
                   [](const Observation* a, const Observation* b) { return a->time < b->time; });
  std::vector<Finding> findings;
  findings.reserve(kept.size());
  for (const Observation* observation : kept) findings.push_back(explain(check, *observation));
  return findings;
}

std::optional<Finding> Evidence::first(Check check, std::uint32_t endpoints) const {
  std::vector<Finding> findings = list(check, endpoints);
  if (findings.empty()) return std::nullopt;
  return std::move(findings.front());
}

std::optional<Finding> Evidence::breach(unsigned invariant, std::uint32_t endpoints) const {
  const Breach* first = nullptr;
  for (unsigned slot = 0; slot < kSlots; ++slot) {
    const std::optional<Breach>& breach = breaches_.at(invariant)[slot];
    if (!breach || !selected(slot, endpoints)) continue;
    if (first == nullptr || breach->observation.time < first->observation.time) first = &*breach;
  }
  if (first == nullptr) return std::nullopt;
  return explain(first->check, first->observation);
}

bool Evidence::explained(unsigned endpoint, Time since) const {
  return std::any_of(disruptions_.begin(), disruptions_.end(), [&](const Disruption& disruption) {
    return (disruption.rank == Rank::Act || disruption.rank == Rank::Consequence) && disruption.time >= since &&
           ((disruption.endpoints >> endpoint) & 1) != 0 &&
           ((disruption.explains >> static_cast<unsigned>(Check::Continuity)) & 1) != 0;
  });
}

}  // namespace holdover::bench
