// SPDX-License-Identifier: MIT
#include "host/agent/live_update_stages.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/agent/agent_state.h"
#include "host/agent/interference.h"
#include "host/agent/next_kernel.h"
#include "host/agent/orphans.h"
#include "host/agent/stage.h"
#include "pcie/error.h"

namespace holdover::host {
namespace {

void expect_interrupts(System& system, const Streams& all) {
  for (const auto& streams : all) {
    streams->begin_interrupt_check();
    if (const unsigned silent = streams->silent_vectors(); silent != 0) {
      throw Error(ErrorCode::Unavailable, std::to_string(silent) + " interrupt vectors of the endpoint at " +
                                              streams->bdf().to_string() + " stay silent while its streams run");
    }
  }
  system.print("every interrupt vector in use is alive");
}

// Stops everything that can be stopped, then throws the first error.
void stop(System& system, Narrator& narrator, const Streams& all) {
  const unsigned count = running_streams(all);
  std::optional<Error> first;
  for (const auto& streams : all) {
    try {
      streams->stop();
    } catch (const Error& error) {
      if (!first) {
        first = error;
      }
    }
  }
  if (!first) {
    narrator.mark(pcie::Step::TrafficStopped, count);
  }
  for (const auto& streams : all) {
    streams->take_interrupts();
    for (const std::string& line : streams->summary()) {
      system.print(line);
    }
    if (const std::uint64_t lost = streams->lost_events(); lost != 0) {
      narrator.mark(pcie::Step::MissedMessages, lost);
      system.print("the endpoint at " + streams->bdf().to_string() + " raised " + std::to_string(lost) +
                   " interrupt events of which it sent no message");
    }
  }
  if (first) {
    throw *first;
  }
}

// Opens endpoints [first, first + count) of the system and starts their traffic.
void start(Stage& stage, unsigned first, unsigned count) {
  const std::vector<pcie::Bdf> functions = stage.system.devices();
  if (functions.size() < first + count) {
    throw Error(ErrorCode::NotFound, "the scenario needs " + std::to_string(first + count) + " endpoints, and " +
                                         std::to_string(functions.size()) +
                                         " are there; choose a topology with more of them");
  }
  for (unsigned index = first; index < first + count; ++index) {
    EndpointStreams& streams = *stage.all.emplace_back(std::make_unique<EndpointStreams>(stage.system, index));
    streams.open(functions[index]);
    streams.start();
  }
}

void retrieve(Stage& stage, unsigned index) {
  stage.all.push_back(std::make_unique<EndpointStreams>(stage.system, index));
  stage.all.back()->retrieve(*stage.incoming, stage.watch);
}

// Traffic for a while, then none.
void end_traffic(Stage& stage) {
  let_run(stage.system, stage.all, duration_parameter(stage.system, "after_us", std::chrono::microseconds(200)));
  if (stage.watch != nullptr) stage.watch->on_stop(stage.all);
  stop(stage.system, stage.narrator, stage.all);
  stage.narrator.enter(pcie::Phase::Halt);
}

// interrupts_at_freeze=off: a kernel may demand that no interrupt is configured when it freezes a device.
bool interrupts_off_at_freeze(System& system) { return system.parameter("interrupts_at_freeze") == "off"; }

// The kexec was refused: the old kernel goes on, and so must the traffic.
void go_on_after_refusal(Stage& stage, const Error& refusal) {
  stage.narrator.mark_in(pcie::Phase::Freeze, pcie::Step::KexecRefused,
                         static_cast<std::uint64_t>(refusal.errno_value()));
  stage.system.print(std::string("the kernel refused the kexec: ") + refusal.what());
  stage.narrator.enter(pcie::Phase::After);
  if (interrupts_off_at_freeze(stage.system)) {
    for (const auto& streams : stage.all) {
      streams->enable_interrupts_again();
    }
  }
  for (const auto& streams : stage.all) {
    streams->expect_traffic();
  }
  expect_interrupts(stage.system, stage.all);
  stage.outgoing.reset();
  stage.narrator.mark(pcie::Step::WindowEnd);
  end_traffic(stage);
}

// The control: the same traffic for the same time, and nothing happens to the kernel.
void go_on_without_jump(Stage& stage) {
  stage.narrator.mark(pcie::Step::WindowBegin);
  let_run(stage.system, stage.all, duration_parameter(stage.system, "blackout_us", std::chrono::microseconds(1000)));
  stage.narrator.mark(pcie::Step::WindowEnd);
  stage.narrator.enter(pcie::Phase::After);
  end_traffic(stage);
}

// Null where the kernel has no live update.
std::unique_ptr<LiveUpdate> open_live_update_if_there(System& system) {
  try {
    return system.open_live_update();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::Refused) {
      throw;
    }
    system.print(std::string("no live update: ") + error.what());
    return nullptr;
  }
}

// Into a session of the kernel's. `first`: under the first kernel, where the window opens.
void preserve(Stage& stage, unsigned count, bool first) {
  stage.outgoing = stage.live_update->create_session(kSessionName);
  write_agent_state(stage.all.front()->state_memory(), count);
  bool window_open = !first;
  for (unsigned index = 0; index < count; ++index) {
    stage.all[index]->preserve(*stage.outgoing, [&] {
      if (!window_open) {
        stage.narrator.mark(pcie::Step::WindowBegin);
        window_open = true;
      }
    });
  }
}

void jump(Stage& stage) {
  stage.system.load_kernel(next_command_line(stage.system.command_line()).value_or(stage.system.command_line()));
  if (interrupts_off_at_freeze(stage.system)) {
    for (const auto& streams : stage.all) {
      streams->disable_interrupts();
    }
  }
  if (stage.watch != nullptr) stage.watch->on_jump(stage.all);
  try {
    stage.system.kexec();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::Refused) {
      throw;
    }
    go_on_after_refusal(stage, error);
  }
}

// What the command line asks for at this point. Returns whether the agent is dead.
bool interfered(Stage& stage, UpdatePoint point) {
  const Interference* const interference = interference_at(stage.system, point);
  if (interference == nullptr) return false;
  const bool dead = interference->act == Interference::Act::AgentDies;
  if (interference->act == Interference::Act::CloseFiles) stage.all.clear();
  interfere(stage.system, *interference);
  if (dead) {
    stage.all.clear();
    stage.outgoing.reset();
    stage.incoming.reset();
    stage.live_update.reset();
  }
  return dead;
}

// The agent is dead; whoever watches the machine lets it run on for a while.
void nobody_goes_on(Stage& stage) {
  stage.narrator.mark(pcie::Step::AgentFailed);
  let_run_alone(stage.system);
}

// A panic: the window opens before it, and there is no session that could be handed over.
void crash(Stage& stage) {
  stage.system.load_crash_kernel(next_command_line(stage.system.command_line()).value_or(stage.system.command_line()));
  stage.narrator.enter(pcie::Phase::Preserve);
  stage.narrator.mark(pcie::Step::WindowBegin);
  stage.system.crash();
}

void preserve_and_jump(Stage& stage, unsigned preserved) {
  if (stage.system.parameter("jump") == "crash") crash(stage);
  stage.narrator.enter(pcie::Phase::Preserve);
  stage.live_update = open_live_update_if_there(stage.system);
  if (stage.live_update) {
    preserve(stage, preserved, true);
    (void)interfered(stage, UpdatePoint::Preserved);
  } else {
    // Nothing can be preserved; a plain kexec shows what that costs.
    stage.narrator.mark(pcie::Step::WindowBegin);
  }
  jump(stage);
}

// False, and everything said, where nothing was handed over.
bool retrieve_session(Stage& stage) {
  try {
    stage.live_update = stage.system.open_live_update();
    stage.incoming = stage.live_update->retrieve_session(kSessionName);
    return true;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::Refused) {
      throw;
    }
    stage.narrator.mark(pcie::Step::NoHandover, static_cast<std::uint64_t>(error.errno_value()));
    stage.system.print(std::string("nothing was handed over: ") + error.what());
    // What nobody can stop is watched for a while.
    if (!look_after_orphans(stage.system, stage.watch)) let_run_alone(stage.system);
    stage.narrator.enter(pcie::Phase::Halt);
    return false;
  }
}

void finish(Stage& stage) {
  stage.narrator.enter(pcie::Phase::Finish);
  stage.incoming->finish();
}

// A kernel between two others: what came in goes out again. With finish=after-preserve it is, for a while, both at
// once.
void pass_on(Stage& stage, unsigned preserved) {
  const bool both_at_once = stage.system.parameter("finish") == "after-preserve";
  if (!both_at_once) {
    finish(stage);
    stage.incoming.reset();
    stage.narrator.enter(pcie::Phase::Steady);
    let_run(stage.system, stage.all, duration_parameter(stage.system, "before_us", std::chrono::microseconds(200)));
  }
  stage.narrator.enter(pcie::Phase::Preserve);
  preserve(stage, preserved, false);
  if (both_at_once) {
    finish(stage);
    stage.incoming.reset();
  }
  jump(stage);
}

// After an update the agent reports what does not move, and leaves the verdict to others.
void report_traffic(Stage& stage, EndpointStreams& streams) {
  try {
    streams.expect_traffic();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::Unavailable) {
      throw;
    }
    stage.system.print(error.what());
    if (stage.watch != nullptr) stage.watch->on_standstill(error.what());
    return;
  }
  if (const unsigned silent = streams.silent_vectors(); silent != 0) {
    stage.narrator.mark(pcie::Step::MissedMessages, silent);
    stage.system.print(std::to_string(silent) + " interrupt vectors of the endpoint at " + streams.bdf().to_string() +
                       " have been silent since they were enabled again");
  }
}

}  // namespace

void run_stage_1(System& system, const Participants& participants, StageWatch* watch) {
  run_stage(system, watch, [&](Stage& stage) {
    stage.narrator.enter(pcie::Phase::Setup);
    const unsigned preserved = participants.preserved != 0
                                   ? participants.preserved
                                   : std::max(static_cast<unsigned>(system.devices().size()), 1u);
    start(stage, 0, preserved + participants.neighbours);
    stage.narrator.mark(pcie::Step::TrafficStarted, running_streams(stage.all));
    for (const auto& streams : stage.all) {
      streams->expect_traffic();
    }
    expect_interrupts(system, stage.all);

    stage.narrator.enter(pcie::Phase::Steady);
    let_run(system, stage.all, duration_parameter(system, "before_us", std::chrono::microseconds(200)));
    if (system.parameter("jump") == "none") {
      go_on_without_jump(stage);
    } else {
      preserve_and_jump(stage, preserved);
    }
  });
}

void run_stage_2(System& system, const Participants& participants, StageWatch* watch) {
  run_stage(system, watch, [&](Stage& stage) {
    stage.narrator.enter(pcie::Phase::Retrieve);
    if (interfered(stage, UpdatePoint::Incoming)) {
      nobody_goes_on(stage);
      return;
    }
    if (!retrieve_session(stage)) {
      return;
    }
    retrieve(stage, 0);
    const unsigned preserved = read_agent_state(stage.all.front()->state_memory()).endpoints;
    for (unsigned index = 1; index < preserved; ++index) {
      retrieve(stage, index);
    }
    for (const auto& streams : stage.all) {
      streams->begin_interrupt_check();
      streams->enable_interrupts_again();
    }

    if (interfered(stage, UpdatePoint::Retrieved)) {
      nobody_goes_on(stage);
      return;
    }
    if (next_command_line(system.command_line())) {
      pass_on(stage, preserved);
      return;
    }
    finish(stage);
    stage.narrator.mark(pcie::Step::WindowEnd);

    stage.narrator.enter(pcie::Phase::After);
    for (const auto& streams : stage.all) {
      report_traffic(stage, *streams);
    }
    start(stage, preserved, participants.neighbours);
    end_traffic(stage);
  });
}

}  // namespace holdover::host
