// SPDX-License-Identifier: MIT
// A machine on which a long wait can be left: whoever waits there is deep inside a kernel, which hears of no signal.
#pragma once

#include "bench/run.h"
#include "python/interruption.h"

namespace holdover::python {

// Thrown through the kernel, which is at its end by it. No std::exception: nobody may take it for an error of their
// own.
struct Left {};

// Makes the machines of sim::build_machine, with a platform that passes its waits in slices and asks `interruption`
// between two of them. It throws Left where the call is to end and `patience` of simulated time has passed since that
// was first seen: what takes less ends by itself. `interruption()` is null while nobody waits; it outlives the machine.
[[nodiscard]] bench::MachineFactory watched(std::function<Interruption*()> interruption,
                                            std::function<Time()> patience);

}  // namespace holdover::python
