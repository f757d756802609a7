// SPDX-License-Identifier: MIT
// What a second stage can do for functions that were not handed over to it.
#pragma once

#include "host/agent/stage_watch.h"
#include "host/system.h"

namespace holdover::host {

// Looks at each function that the command line names (function=BDF,BDF…; every function of the system where it names
// none): whether it answers, whether it still beats, and clears the RUN bits of all of its streams. Says on the console
// what it saw. Nothing that it meets is an error. False where a function could not be looked after: nobody has stopped
// what it does.
[[nodiscard]] bool look_after_orphans(System& system, StageWatch* watch = nullptr);

}  // namespace holdover::host
