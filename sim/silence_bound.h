// SPDX-License-Identifier: MIT
// How long a machine of this description may delay a heartbeat record all by itself.
#pragma once

#include "sim/witness.h"

namespace holdover::sim {

// From the record's deadline to DRAM, with everything on the way as full and as late as it can legally be. Holds while
// links stay up and each port forwards; what a kernel adds is not in it.
[[nodiscard]] SilenceBound silence_bound(const MachineConfig& config);

// How long a root port of this machine may keep a read waiting so that its answer still reaches the endpoint before the
// completion time-out; 0 where it is not asked to, or where the way there and back leaves no room.
[[nodiscard]] Time late_answer(const MachineConfig& config);

}  // namespace holdover::sim
