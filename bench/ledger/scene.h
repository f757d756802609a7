// SPDX-License-Identifier: MIT
// Where things stand: which phase passes under which kernel, whether the judged window is open, which functions there
// are.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pcie/bdf.h"
#include "pcie/instrument.h"
#include "sim/witness.h"

namespace holdover::bench {

class Scene {
 public:
  struct Mark {
    Time time;
    pcie::Phase phase = pcie::Phase::Boot;
    pcie::Step step = pcie::Step::Begin;
    std::uint64_t value = 0;
    unsigned kernel = 0;  // 0: kernel A
  };
  // A stretch of simulated time in one phase under one host.
  struct Segment {
    pcie::Phase phase = pcie::Phase::Boot;
    std::string host;  // «kernel A», «nobody», «kernel B»
    Time begin;
  };

  explicit Scene(std::vector<sim::FunctionInfo> functions);

  void on_phase(Time time, pcie::Phase phase, pcie::Step step, std::uint64_t value);
  // The kernel is left; while no kernel runs a second call does nothing.
  void on_jump(Time time);
  // The function answers at `bdf` from now on.
  void place(sim::FunctionIndex function, pcie::Bdf bdf);

  [[nodiscard]] pcie::Phase phase() const { return segments_.back().phase; }
  [[nodiscard]] std::string_view host() const { return segments_.back().host; }
  [[nodiscard]] const std::vector<Segment>& segments() const { return segments_; }
  [[nodiscard]] std::size_t segment() const { return segments_.size() - 1; }
  [[nodiscard]] const Segment& segment_at(Time time) const;
  [[nodiscard]] const std::vector<Mark>& marks() const { return marks_; }
  // The first mark of this step.
  [[nodiscard]] const Mark* find(pcie::Step step) const;
  // How far the kernel had come that stopped itself; nothing where none did.
  [[nodiscard]] std::optional<pcie::Phase> panicked_in() const;
  [[nodiscard]] bool jumped() const { return !jumps_.empty(); }
  // When each kernel was left for the next.
  [[nodiscard]] const std::vector<Time>& jumps() const { return jumps_; }

  // The window opens with Step::WindowBegin, without one at the jump. It closes with Step::WindowEnd, or with the mark
  // that says that there will be none.
  [[nodiscard]] std::optional<Time> window_begin() const { return window_begin_; }
  [[nodiscard]] std::optional<Time> window_end() const { return window_end_; }
  [[nodiscard]] bool window_open() const { return window_begin_ && !window_end_; }
  // Between Step::TrafficStarted and Step::TrafficStopped, and never beyond the window's unplanned end.
  [[nodiscard]] bool traffic_expected() const { return traffic_; }
  // No stream may be stopped, started anew or reset: from Step::TrafficStarted, or the window's begin, to its end.
  [[nodiscard]] bool traffic_bound() const { return window_open() || (traffic_ && !window_end_); }

  [[nodiscard]] const std::vector<sim::FunctionInfo>& functions() const { return functions_; }
  [[nodiscard]] unsigned endpoint_count() const { return static_cast<unsigned>(endpoints_.size()); }
  [[nodiscard]] sim::FunctionIndex function_of(unsigned endpoint) const { return endpoints_.at(endpoint); }
  // Bridges from the root port down, then the endpoint itself.
  [[nodiscard]] std::vector<sim::FunctionIndex> path(unsigned endpoint) const;
  // Bit n: endpoint n is this function or lies below it.
  [[nodiscard]] std::uint32_t endpoints_below(sim::FunctionIndex function) const;
  [[nodiscard]] pcie::Bdf bdf(sim::FunctionIndex function) const { return bdfs_.at(function); }
  [[nodiscard]] std::optional<sim::FunctionIndex> function_at(pcie::RequesterId id) const;
  // «0000:02:00.0 (endpoint 0)».
  [[nodiscard]] std::string describe(sim::FunctionIndex function) const;

  // The scenario has these endpoints handed over, whatever the host says.
  void expect_handover(std::uint32_t endpoints) { expected_ = endpoints; }
  // The agent switches MSI-X off before the kexec, and on again after it.
  void expect_interrupts_off(bool off) { interrupts_off_ = off; }
  [[nodiscard]] bool interrupts_off() const { return interrupts_off_; }
  // Endpoints that the scenario, or the host, has handed over.
  [[nodiscard]] std::uint32_t handed_over() const { return recorded_ | expected_; }
  // Endpoints that are judged: those that are handed over, and every endpoint where the host recorded none.
  [[nodiscard]] std::uint32_t judged_endpoints() const;

 private:
  void enter(Time time, pcie::Phase phase, const std::string& host);

  std::vector<sim::FunctionInfo> functions_;
  std::vector<pcie::Bdf> bdfs_;
  std::vector<sim::FunctionIndex> endpoints_;
  std::vector<Segment> segments_;
  std::vector<Mark> marks_;
  std::vector<Time> jumps_;
  std::optional<Time> window_begin_;
  std::optional<Time> window_end_;
  bool refused_ = false;
  bool traffic_ = false;
  bool interrupts_off_ = false;
  std::uint32_t recorded_ = 0;
  std::uint32_t expected_ = 0;
};

// «kernel A» for 0, «kernel AA» for 26.
[[nodiscard]] std::string kernel_name(unsigned index);
// «1.482 ms», for people.
[[nodiscard]] std::string readable_time(Time time);
// «0x0012a000».
[[nodiscard]] std::string hex(std::uint64_t value, unsigned digits = 0);

}  // namespace holdover::bench
