// SPDX-License-Identifier: MIT
// Whether the streams of an endpoint went on, as its registers and its heartbeat's ring tell.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/field/field_witness.h"
#include "bench/verdict.h"

namespace holdover::bench {

// Longest time between two heartbeat records that passes.
struct SilenceLimit {
  Time limit;                 // 0: the steady traffic showed nothing to derive it from
  Time steady;                // longest silence of the steady traffic
  std::uint64_t records = 0;  // that it is the longest of
  bool declared = false;
};
[[nodiscard]] SilenceLimit silence_limit(const FieldState& state);

struct ContinuitySeen {
  struct Loss {
    std::uint64_t clock = 0;
    std::string sentence;
  };
  std::vector<Loss> losses;
  std::vector<std::string> gaps;  // what could not be judged, and why
  std::string figure;
  std::vector<Figure> numbers;
  unsigned channels = 0;  // that ran when the window opened
};

// `first`: the endpoint before the agent took it up again. `closed`: when the window closed. `ending`: before traffic
// was stopped; null where that was not come to, or the endpoint did not answer.
[[nodiscard]] ContinuitySeen judge_continuity(const FieldState& state, const FieldObservation& seen, const Look& first,
                                              const Look& closed, const Look* ending);

}  // namespace holdover::bench
