// SPDX-License-Identifier: MIT
// What happened to an endpoint between two looks, as far as its monitor can tell.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/field/look.h"
#include "bench/verdict.h"

namespace holdover::bench {

// Something that should not have happened.
struct Incident {
  Check check = Check::ResetAndLink;
  std::uint64_t clock = 0;
  std::string sentence;
};

struct MonitorHistory {
  std::vector<Incident> incidents;  // in the order of time
  // Checks that it cannot speak for, with the reason.
  struct Gap {
    Check check = Check::ResetAndLink;
    std::string reason;
  };
  std::vector<Gap> gaps;
  std::uint32_t config_writes = 0;
  // Not empty: the monitor itself was reset, and this says how that is known.
  std::string blind;
};

// `scratch`: what SCRATCH held at `before`. `interrupts_off`: the agent may switch MSI-X off.
[[nodiscard]] MonitorHistory history_between(const Look& before, const Look& after, std::uint32_t scratch,
                                             bool interrupts_off);

}  // namespace holdover::bench
