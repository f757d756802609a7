// SPDX-License-Identifier: MIT
// The verdict where nothing but the endpoint, its memory and its configuration space as the host reads it are witness.
//
// A sticky bit of the monitor tells the first time only. Where one was set before the update, what came later is read
// off the log of configuration writes, as long as it holds all of them, and off SCRATCH, which no reset of the function
// leaves alone. What neither can tell is not judged.
#pragma once

#include "bench/field/field_witness.h"
#include "bench/verdict.h"

namespace holdover::bench {

[[nodiscard]] Verdict judge_field(const FieldState& state, const FieldObservation& seen);

}  // namespace holdover::bench
