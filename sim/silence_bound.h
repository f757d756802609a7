// SPDX-License-Identifier: MIT
// What the limits that sim/witness.h declares (silence_bound, longest_answer) are made of, for the machine itself.
#pragma once

#include "sim/witness.h"

namespace holdover::sim {

// How long a root port of this machine may keep a read waiting so that its answer still reaches the endpoint before the
// completion time-out; 0 where it is not asked to, or where the way there and back leaves no room.
[[nodiscard]] Time late_answer(const MachineConfig& config);

}  // namespace holdover::sim
