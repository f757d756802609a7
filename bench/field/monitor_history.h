// SPDX-License-Identifier: MIT
// What happened to an endpoint between looks, as far as its monitor can tell.
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

struct HistoryRules {
  std::uint32_t scratch = 0;    // what SCRATCH held at the first look
  bool interrupts_off = false;  // the agent switches MSI-X off for the freeze
  bool updated = false;         // the update is over: what was allowed for its sake is so no longer
};

// From the first of the looks to the last of them, in the order of time. Those between lend what their logs still have.
[[nodiscard]] MonitorHistory history_between(const std::vector<const Look*>& looks, const HistoryRules& rules);

}  // namespace holdover::bench
