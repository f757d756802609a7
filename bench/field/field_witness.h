// SPDX-License-Identifier: MIT
// Looks at the endpoint whenever the agent has come to a new point of the update, and keeps what is judged.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>

#include "bench/field/field_state.h"
#include "bench/field/stream_check.h"
#include "host/agent/stage_watch.h"

namespace holdover::bench {

// All that was seen from the kexec on. What is not there was not come to.
struct FieldObservation {
  std::optional<pcie::Bdf> found;           // where the function was when it was open again
  bool gone = false;                        // the host finds no function where it was
  std::optional<Look> first;                // before the agent did anything to it
  std::optional<Look> closed;               // when the window closed, traffic running
  std::optional<Look> ending;               // before traffic was stopped
  std::optional<Look> stopped;              // when traffic had stopped
  std::optional<RecordsSeen> records;       // of the window
  std::optional<RecordsSeen> late_records;  // from the last of the window to the end of traffic
  Time patience;                            // no sound stream stands still for so long
  std::string standstill;                   // the stream that did so after the update; empty: none
  std::optional<MemorySeen> memory;
  std::optional<int> refused;      // the kernel refused the kexec: errno
  std::optional<int> no_handover;  // no session came back: errno
  std::string failure;             // why the agent gave up; empty: it did not
  std::optional<ErrorCode> failure_code;
  std::uint64_t missed_messages = 0;
  std::string unheard;  // the vector that the host heard no more after the update; empty: none
  bool asked = true;    // for a kexec; false: the control
  pcie::Phase phase = pcie::Phase::Boot;
};

class FieldWitness final : public host::StageWatch {
 public:
  // Before the kexec. `save` is called once, when everything is preserved and the kexec comes next; null for the
  // control, which asks for none.
  // `system`, where there is one, clears what a device file may not, and outlives the witness.
  FieldWitness(FieldState state, std::function<void(const FieldState&)> save, host::System* system = nullptr);
  // After it. `system`, where the agent's second stage runs, outlives it.
  FieldWitness(FieldState state, host::System& system) : state_(state), system_(&system), stage_2_(true) {}

  void on_mark(pcie::Phase phase, pcie::Step step, std::uint64_t value, const host::Streams& all) override;
  void on_jump(const host::Streams& all) override;
  void on_function(host::Device& device) override;
  void on_standstill(const std::string& sentence) override { observation_.standstill = sentence; }
  void on_stop(const host::Streams& all) override;
  void on_failure(const Error& error, const host::Streams& all) override;

  [[nodiscard]] const FieldState& state() const { return state_; }
  [[nodiscard]] const FieldObservation& observation() const { return observation_; }
  // Whether the window was opened: there is something to judge.
  [[nodiscard]] bool opened() const { return stage_2_ || opened_; }

 private:
  void open_window(host::EndpointStreams& streams);
  void close_window(host::EndpointStreams& streams);
  void listen(host::EndpointStreams& streams);

  FieldState state_;
  std::function<void(const FieldState&)> save_;
  host::System* system_ = nullptr;
  bool stage_2_ = false;
  bool opened_ = false;
  FieldObservation observation_;
  std::array<std::uint64_t, Look::kVectors> heard_{};  // when the window closed
};

}  // namespace holdover::bench
