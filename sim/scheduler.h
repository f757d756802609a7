// SPDX-License-Identifier: MIT
// Simulated time: the only clock of the machine. Events are ordered by time, then by the order of their insertion; an
// event at the time of a clock edge comes before the edge.
#pragma once

#include <cstdint>
#include <vector>

#include "pcie/units.h"

namespace holdover::sim {

// 250 MHz.
inline constexpr Time kClockPeriod{4000};

// What happens at a time. `argument` is what was passed to at().
class EventHandler {
 public:
  EventHandler() = default;
  EventHandler(const EventHandler&) = delete;
  EventHandler& operator=(const EventHandler&) = delete;
  virtual void on_event(std::uint64_t argument) = 0;

 protected:
  ~EventHandler() = default;
};

// Called at every edge of the endpoints' clock.
class ClockHandler {
 public:
  ClockHandler() = default;
  ClockHandler(const ClockHandler&) = delete;
  ClockHandler& operator=(const ClockHandler&) = delete;
  virtual void on_clock() = 0;

 protected:
  ~ClockHandler() = default;
};

class Scheduler {
 public:
  [[nodiscard]] Time now() const { return now_; }
  // Edges so far.
  [[nodiscard]] Cycles cycles() const { return cycles_; }

  // `handler` lives until the event has happened or the scheduler is gone. `when` is not before now().
  void at(Time when, EventHandler& handler, std::uint64_t argument);
  void after(Time delay, EventHandler& handler, std::uint64_t argument) { at(now_ + delay, handler, argument); }
  // At most one; outlives the scheduler's last run. Without one there are no edges.
  void set_clock(ClockHandler& handler) { clock_ = &handler; }

  // Everything up to and including `end` happens; now() is `end` afterwards.
  void run_until(Time end);
  // The same, but stops as soon as `done` is true; now() is then the time at which that happened. Returns `done`.
  bool run_until(Time end, const bool& done);

 private:
  struct Event {
    Time time;
    std::uint64_t order;
    EventHandler* handler;
    std::uint64_t argument;
  };
  struct Later {
    bool operator()(const Event& a, const Event& b) const {
      return a.time != b.time ? a.time > b.time : a.order > b.order;
    }
  };

  // Runs the next event or edge that is not after `end`; false where there is none.
  bool step(Time end);

  Time now_;
  Time next_edge_ = kClockPeriod;
  Cycles cycles_;
  std::uint64_t order_ = 0;
  ClockHandler* clock_ = nullptr;
  std::vector<Event> heap_;
};

}  // namespace holdover::sim
