// SPDX-License-Identifier: MIT
// The faults that a machine was asked to have, and when each of them strikes.
//
// A fault is armed when its phase begins for the first time, is due `delay` later, and strikes once: the timed
// ones (StallTransmit, LinkDown, PowerLoss, SwappedEndpoint) when they are due, the others at the first matching packet
// after that.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "sim/witness.h"

namespace holdover::sim {

enum class FaultAction { Pass, Drop, Poison, Repeat };

class FaultPlan {
 public:
  using StrikeSink = std::function<void(Time, const MachineFault&)>;

  FaultPlan(const std::vector<MachineFault>& faults, StrikeSink on_strike);

  // Arms what waits for this phase. Later beginnings of the same phase change nothing.
  void begin_phase(Time now, pcie::Phase phase);

  // When the next timed fault is due; nothing where none is armed.
  [[nodiscard]] std::optional<Time> next_due() const;
  // The timed faults that are due by now, each returned once.
  [[nodiscard]] std::vector<MachineFault> take_due(Time now);

  // Asked once per packet that passes.
  [[nodiscard]] FaultAction at_completion(Time now, unsigned endpoint);    // to the endpoint
  [[nodiscard]] FaultAction at_posted_write(Time now, unsigned endpoint);  // of the endpoint, to DRAM
  [[nodiscard]] FaultAction at_message(Time now, unsigned endpoint);       // of the endpoint

  // Whether any fault has yet to strike: lets callers skip the questions.
  [[nodiscard]] bool idle() const { return waiting_ == 0; }

 private:
  struct Entry {
    MachineFault fault;
    std::optional<Time> due;
    bool struck = false;
  };
  template <typename Matches>
  FaultAction strike_first(Time now, Matches matches);

  std::vector<Entry> entries_;
  StrikeSink on_strike_;
  std::size_t waiting_ = 0;
};

}  // namespace holdover::sim
