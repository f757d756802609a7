// SPDX-License-Identifier: MIT
// What was seen that should not have been, what happened that may explain it, and the search for the one in the other.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "bench/ledger/scene.h"
#include "bench/verdict.h"

namespace holdover::bench {

// How much of an explanation a disruption is, best first: what a host did, what the machine was asked to do, how things
// were, what followed.
enum class Rank : std::uint8_t { Act, Fault, Circumstance, Consequence };

class Evidence {
 public:
  using Checks = std::uint16_t;  // bit n: Check n
  [[nodiscard]] static constexpr Checks checks(std::initializer_list<Check> list) {
    Checks mask = 0;
    for (const Check check : list) mask = static_cast<Checks>(mask | (1u << static_cast<unsigned>(check)));
    return mask;
  }
  // Whatever keeps a request from getting through.
  static constexpr Checks kTraffic = 0x1ff;

  struct Disruption {
    Time time;
    std::uint32_t endpoints = 0;  // bit n: endpoint n may suffer
    Rank rank = Rank::Act;
    Checks explains = 0;
    std::string sentence;  // with who, phase and time
  };

  struct Observation {
    Time time;
    Time since;                        // the last time at which all was well
    std::optional<Time> due;           // when the first lost record was due
    std::optional<unsigned> endpoint;  // none: not about one endpoint
    pcie::Phase phase = pcie::Phase::Boot;
    std::string sentence;
    std::string cause;       // known already; else searched for, where `caused`
    unsigned invariant = 0;  // the invariant of live update that it breaks; 0: none in particular
    std::string host{};
    pcie::Step step = pcie::Step::Begin;
    bool caused = true;  // false: the host's own bookkeeping, which nothing on the wire can spoil
  };

  explicit Evidence(const Scene& scene) : scene_(scene) {}

  [[nodiscard]] const Scene& scene() const { return scene_; }

  // `what` is a clause, «bus master enable cleared at 0000:02:00.0 (endpoint 0)»; who, phase and time are added.
  void disrupt(Time time, std::uint32_t endpoints, Rank rank, Checks explains, const std::string& what);
  void find(Check check, Observation observation);
  // Shorthand: seen at `time`, about `endpoint`.
  void find(Check check, Time time, std::optional<unsigned> endpoint, std::string sentence);
  // Breaks an invariant and stands in no check, because `check` has a finding of its own for the same thing.
  void note(Check check, Observation observation);

  // How long after its cause a loss may show.
  void set_slack(Time slack) { slack_ = slack; }

  // Number of observations against `check` that concern the `endpoints`, or no endpoint in particular.
  [[nodiscard]] std::uint64_t count(Check check, std::uint32_t endpoints) const;
  // The earliest of them, with its cause.
  [[nodiscard]] std::optional<Finding> first(Check check, std::uint32_t endpoints) const;
  // The kept ones in the order of time; at most a few per check and endpoint are kept.
  [[nodiscard]] std::vector<Finding> list(Check check, std::uint32_t endpoints) const;
  // The earliest observation that breaks this invariant, with its cause.
  [[nodiscard]] std::optional<Finding> breach(unsigned invariant, std::uint32_t endpoints) const;
  // Whether an act that concerns the endpoint, or a consequence of one, was seen at or after `since`.
  [[nodiscard]] bool explained(unsigned endpoint, Time since) const;

 private:
  static constexpr unsigned kSlots = 33;  // 32 endpoints and «none in particular»
  static constexpr std::size_t kKept = 8;
  struct Bucket {
    std::uint64_t count = 0;
    std::vector<Observation> kept;
  };
  struct Breach {
    Check check = Check::Handover;
    Observation observation;
  };

  [[nodiscard]] const Disruption* cause_of(Check check, const Observation& observation) const;
  void date(Observation& observation) const;
  [[nodiscard]] Finding explain(Check check, const Observation& observation) const;

  const Scene& scene_;
  Time slack_{10'000'000};
  std::vector<Disruption> disruptions_;
  std::array<std::array<Bucket, kSlots>, kCheckCount> buckets_{};
  std::array<std::array<std::optional<Breach>, kSlots>, kInvariantCount + 1> breaches_{};  // the earliest of each
};

}  // namespace holdover::bench
