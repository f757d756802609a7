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

}  // namespace holdover::bench
