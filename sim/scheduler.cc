// SPDX-License-Identifier: MIT
#include "sim/scheduler.h"

#include <algorithm>

#include "pcie/error.h"

namespace holdover::sim {

void Scheduler::at(Time when, EventHandler& handler, std::uint64_t argument) {
  HOLDOVER_CHECK(when >= now_);
  heap_.push_back(Event{when, order_++, &handler, argument});
  std::push_heap(heap_.begin(), heap_.end(), Later{});
}

bool Scheduler::step(Time end) {
  const bool edge_first = clock_ != nullptr && (heap_.empty() || next_edge_ < heap_.front().time);
  if (edge_first) {
    if (next_edge_ > end) return false;
    now_ = next_edge_;
    next_edge_ += kClockPeriod;
    cycles_ += Cycles{1};
    clock_->on_clock();
    return true;
  }
  if (heap_.empty() || heap_.front().time > end) return false;
  std::pop_heap(heap_.begin(), heap_.end(), Later{});
  const Event event = heap_.back();
  heap_.pop_back();
  now_ = event.time;
  event.handler->on_event(event.argument);
  return true;
}

void Scheduler::run_until(Time end) {
  while (step(end)) {
  }
  if (now_ < end) now_ = end;
}

bool Scheduler::run_until(Time end, const bool& done) {
  while (!done) {
    if (!step(end)) {
      if (now_ < end) now_ = end;
      break;
    }
  }
  return done;
}

}  // namespace holdover::sim
