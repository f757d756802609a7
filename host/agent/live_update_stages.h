// SPDX-License-Identifier: MIT
// The two stages that the scenarios are made of, with the endpoints they concern as parameters.
#pragma once

#include "host/agent/stage_watch.h"
#include "host/system.h"

namespace holdover::host {

struct Participants {
  // The first `preserved` endpoints are handed over; 0 stands for every endpoint.
  unsigned preserved = 0;
  // Further endpoints run traffic too, and start anew under the next kernel.
  unsigned neighbours = 0;
};

// Starts the traffic, lets it run, preserves, and asks for the kexec. Returns where the kexec was refused, and after a
// run with jump=none. Throws Error{NotFound} where the system has too few endpoints.
void run_stage_1(System& system, const Participants& participants, StageWatch* watch = nullptr);
// Retrieves what was preserved, resumes and finishes. Under the last kernel of the command line it then lets the
// traffic run and stops it; under one before that it preserves again and asks for the next kexec. `watch` outlives
// either stage.
void run_stage_2(System& system, const Participants& participants, StageWatch* watch = nullptr);

}  // namespace holdover::host
