// SPDX-License-Identifier: MIT
// Actions of a kernel on a running function, one at a time: what each writes, and what becomes of the DMA.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/questions/runs/recorder.h"

namespace holdover::bench {

// An action, and how a run is made to do it.
struct Action {
  std::string_view what;
  std::string_view policy;  // empty: none
  std::string_view fault;   // empty: none
};

// A stretch of the update.
struct Stretch {
  unsigned kernel = 0;
  pcie::Phase phase = pcie::Phase::Boot;
};

// What reached functions in that stretch.
struct Traffic {
  std::map<std::string, unsigned> endpoint_writes;  // by register
  std::map<std::string, unsigned> bridge_writes;
  unsigned register_writes = 0;  // memory writes to endpoints
};
[[nodiscard]] Traffic traffic_in(const Recorder& recorder, Stretch stretch);
// «endpoint: COMMAND, MSIX.Ctl (2); bridges: none; no MMIO».
[[nodiscard]] std::string to_string(const Traffic& traffic);

struct Effect {
  std::string what;
  Traffic traffic;
  bool stops_dma = false;
  bool loses_interrupts = false;
  bool decided = false;  // the run says something about both

  [[nodiscard]] bool hurts() const { return stops_dma || loses_interrupts; }
};
// Runs the action under profile «continuous» with `policies` besides, adds one observation and the command.
[[nodiscard]] Effect try_action(const Action& action, const std::vector<std::string>& policies, Stretch stretch,
                                const Laboratory& laboratory, Answer& answer);

// Actions by what becomes of them where retrieve and freeze take the place of probe and shutdown.
struct SortedActions {
  bool decided = false;               // without any of them nothing is disturbed
  std::vector<std::string> avoided;   // hurt, and no longer do
  std::vector<std::string> kept;      // hurt all the same
  std::vector<std::string> harmless;  // hurt in neither
};
// Tries `nothing` first, and says under `traffic` what is written in that stretch; then each action, and those that
// hurt once more with the policy entry-model=retrieve, named with `otherwise`.
[[nodiscard]] SortedActions sort_actions(const Action& nothing, std::span<const Action> actions, Stretch stretch,
                                         const std::string& traffic, const std::string& otherwise,
                                         const Laboratory& laboratory, Answer& answer);

}  // namespace holdover::bench
