// SPDX-License-Identifier: MIT
// Scenarios and faults by name: which endpoints are handed over; which faults are mistakes of the kernel, which are
// faults of the machine, and which damage what is handed over.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/handover_damage.h"
#include "sim/witness.h"

namespace holdover::bench {

struct FaultSelection {
  std::vector<std::string> hazards;  // names for the kernel's command line
  std::vector<sim::MachineFault> machine;
  std::vector<HandoverDamage> damages;
  std::string interference;            // on the kernel's command line (host/agent/interference.h); at most one
  bool pending_while_disabled = true;  // of the endpoints: some devices forget events while MSI-X is disabled
};
// Throws Error{InvalidArgument} for a name that faults() does not list.
[[nodiscard]] FaultSelection select_faults(const std::vector<std::string>& names);

// Endpoints that the scenario hands over, bit n for endpoint n of `count`.
[[nodiscard]] std::uint32_t handed_over(std::string_view scenario, unsigned count);

// Name of a machine fault, as in faults().
[[nodiscard]] std::string_view fault_name(sim::MachineFault::Kind kind);

}  // namespace holdover::bench
