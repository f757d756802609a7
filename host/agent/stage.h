// SPDX-License-Identifier: MIT
// What an agent has in its hands while a stage runs, and how time passes for it.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "host/agent/endpoint_streams.h"
#include "host/agent/stage_watch.h"
#include "host/system.h"
#include "pcie/error.h"

namespace holdover::host {

// Says where the agent is, and what it gave up on.
class Narrator {
 public:
  // All outlive it; `watch` may be null.
  Narrator(System& system, const Streams& all, StageWatch* watch) : system_(system), all_(all), watch_(watch) {}

  void enter(pcie::Phase phase) {
    phase_ = phase;
    mark(pcie::Step::Begin);
  }
  void mark(pcie::Step step, std::uint64_t value = 0) { mark_in(phase_, step, value); }
  // The agent stays in the phase that it entered last.
  void mark_in(pcie::Phase phase, pcie::Step step, std::uint64_t value) {
    system_.mark(phase, step, value);
    if (watch_ != nullptr) watch_->on_mark(phase, step, value, all_);
  }
  void give_up(const Error& error) {
    system_.print(std::string("the agent gives up: ") + error.what());
    if (watch_ != nullptr) watch_->on_failure(error, all_);
    mark(pcie::Step::AgentFailed, static_cast<std::uint64_t>(error.errno_value()));
  }

 private:
  System& system_;
  const Streams& all_;
  StageWatch* watch_;
  pcie::Phase phase_ = pcie::Phase::Boot;
};

// What the agent holds. The files are closed when the stage is over, not when an error is on its way: an agent first
// says that it gives up, and what its exit then does to the devices is no part of the update.
struct Stage {
  Stage(System& of, StageWatch* looked_on_by) : system(of), watch(looked_on_by), narrator(of, all, looked_on_by) {}

  System& system;
  StageWatch* watch;  // null: nobody looks on
  Narrator narrator;
  std::unique_ptr<LiveUpdate> live_update;
  Streams all;
  std::unique_ptr<Session> incoming;
  std::unique_ptr<Session> outgoing;
};

// Microseconds on the command line. Throws Error{InvalidArgument} that names the parameter.
[[nodiscard]] std::chrono::nanoseconds duration_parameter(System& system, const std::string& name,
                                                          std::chrono::nanoseconds otherwise);
// Lets the streams run, and takes their interrupts.
void let_run(System& system, const Streams& all, std::chrono::nanoseconds duration);
// The same for «after_us», with nobody to take interrupts.
void let_run_alone(System& system);
[[nodiscard]] unsigned running_streams(const Streams& all);

// What the kernel or the device refuses ends the stage; a machine that is gone ends more than that.
template <typename Body>
void run_stage(System& system, StageWatch* watch, const Body& body) {
  Stage stage(system, watch);
  try {
    body(stage);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::PeerDied || error.code() == ErrorCode::Interrupted) {
      throw;
    }
    stage.narrator.give_up(error);
    // What somebody else did is watched for a while.
    if (!system.parameter("interference").empty()) let_run_alone(system);
  }
}

}  // namespace holdover::host
