// SPDX-License-Identifier: MIT
// What is known of each invariant of live update: whether it could be judged, and what broke it. docs/verdict.md has
// the fourteen.
#pragma once

#include <array>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "bench/ledger/evidence.h"
#include "bench/ledger/scene.h"

namespace holdover::bench {

// `number` from 1 to kInvariantCount.
[[nodiscard]] std::string_view invariant_sentence(unsigned number);

class InvariantRecord {
 public:
  InvariantRecord(const Scene& scene, Evidence& evidence) : scene_(scene), evidence_(evidence) {}

  // What the invariant speaks of was there to be seen.
  void judged(unsigned number) { judged_.at(number) = true; }
  [[nodiscard]] bool was_judged(unsigned number) const { return judged_.at(number); }
  // A finding of `check`; the same sentence counts once for an invariant.
  void broken(unsigned number, Check check, Time time, std::optional<unsigned> endpoint, std::string sentence);
  // A finding of check 9 about what the host keeps of the update itself: no disruption is its cause.
  void misbooked(unsigned number, Time time, std::string sentence);
  // As broken(), where check 9 has a finding of its own for the same thing.
  void broken_as_found(unsigned number, Time time, std::string sentence);

 private:
  [[nodiscard]] std::optional<Evidence::Observation> fresh(unsigned number, Time time, std::string sentence);

  const Scene& scene_;
  Evidence& evidence_;
  std::array<bool, kInvariantCount + 1> judged_{};
  std::set<std::pair<unsigned, std::string>> said_;
};

}  // namespace holdover::bench
