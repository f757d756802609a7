// SPDX-License-Identifier: MIT
#include "host/agent/live_update_stages.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/agent/agent_state.h"
#include "host/agent/endpoint_streams.h"
#include "host/agent/orphans.h"
#include "pcie/error.h"

namespace holdover::host {
namespace {

using Streams = std::vector<std::unique_ptr<EndpointStreams>>;
using std::chrono::nanoseconds;

// Interrupts are taken this often while nothing else happens.
constexpr nanoseconds kTick{20'000};
// Long enough for every stream to move something, many times over.
constexpr nanoseconds kTrafficCheck{20'000};

nanoseconds duration_parameter(System& system, const std::string& name, nanoseconds otherwise) {
  const std::string text = system.parameter(name);
  if (text.empty()) {
    return otherwise;
  }
  std::uint32_t microseconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), microseconds);
  if (error != std::errc{} || end != text.data() + text.size()) {
    throw Error(ErrorCode::InvalidArgument,
                "parameter " + name + "=" + text + " of the command line is not a number of microseconds");
  }
  return std::chrono::microseconds(microseconds);
}

void let_run(System& system, const Streams& all, nanoseconds duration) {
  while (duration > nanoseconds{0}) {
    const nanoseconds step = std::min(duration, kTick);
    system.wait(step);
    duration -= step;
    for (const auto& streams : all) {
      streams->take_interrupts();
    }
  }
}

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

unsigned running_streams(const Streams& all) {
  unsigned count = 0;
  for (const auto& streams : all) {
    count += streams->running_streams();
  }
  return count;
}

// Says where the agent is, and what it gave up on.
class Narrator {
 public:
  explicit Narrator(System& system) : system_(system) {}

  void enter(pcie::Phase phase) {
    phase_ = phase;
    mark(pcie::Step::Begin);
  }
  void mark(pcie::Step step, std::uint64_t value = 0) { system_.mark(phase_, step, value); }
  void give_up(const Error& error) {
    system_.print(std::string("the agent gives up: ") + error.what());
    mark(pcie::Step::AgentFailed, static_cast<std::uint64_t>(error.errno_value()));
  }

 private:
  System& system_;
  pcie::Phase phase_ = pcie::Phase::Boot;
};

// What the kernel or the device refuses ends the stage; a machine that is gone ends more than that.
template <typename Body>
void run_stage(System& system, const Body& body) {
  Narrator narrator(system);
  try {
    body(narrator);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::PeerDied || error.code() == ErrorCode::Interrupted) {
      throw;
    }
    narrator.give_up(error);
  }
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
void start(System& system, Streams& all, unsigned first, unsigned count) {
  const std::vector<pcie::Bdf> functions = system.devices();
  if (functions.size() < first + count) {
    throw Error(ErrorCode::NotFound, "the scenario needs " + std::to_string(first + count) + " endpoints, and " +
                                         std::to_string(functions.size()) +
                                         " are there; choose a topology with more of them");
  }
  for (unsigned index = first; index < first + count; ++index) {
    all.push_back(EndpointStreams::open(system, functions[index], index));
    all.back()->start();
  }
}

// Traffic for a while, then none.
void end_traffic(System& system, Narrator& narrator, const Streams& all) {
  let_run(system, all, duration_parameter(system, "after_us", std::chrono::microseconds(200)));
  stop(system, narrator, all);
  narrator.enter(pcie::Phase::Halt);
}

// The kexec was refused: the old kernel goes on, and so must the traffic.
void go_on_after_refusal(System& system, Narrator& narrator, Streams& all, std::unique_ptr<Session> session,
                         const Error& refusal) {
  system.mark(pcie::Phase::Freeze, pcie::Step::KexecRefused, static_cast<std::uint64_t>(refusal.errno_value()));
  system.print(std::string("the kernel refused the kexec: ") + refusal.what());
  narrator.enter(pcie::Phase::After);
  for (const auto& streams : all) {
    streams->expect_traffic(kTrafficCheck);
  }
  expect_interrupts(system, all);
  session.reset();
  narrator.mark(pcie::Step::WindowEnd);
  end_traffic(system, narrator, all);
}

// The control: the same traffic for the same time, and nothing happens to the kernel.
void go_on_without_jump(System& system, Narrator& narrator, Streams& all) {
  narrator.mark(pcie::Step::WindowBegin);
  let_run(system, all, duration_parameter(system, "blackout_us", std::chrono::microseconds(1000)));
  narrator.mark(pcie::Step::WindowEnd);
  narrator.enter(pcie::Phase::After);
  end_traffic(system, narrator, all);
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

void preserve(Narrator& narrator, Session& session, Streams& all, unsigned count) {
  write_agent_state(all.front()->state_memory(), count);
  bool window_open = false;
  for (unsigned index = 0; index < count; ++index) {
    all[index]->preserve(session, [&] {
      if (!window_open) {
        narrator.mark(pcie::Step::WindowBegin);
        window_open = true;
      }
    });
  }
}

void preserve_and_jump(System& system, Narrator& narrator, Streams& all, unsigned preserved) {
  narrator.enter(pcie::Phase::Preserve);
  const std::unique_ptr<LiveUpdate> live_update = open_live_update_if_there(system);
  std::unique_ptr<Session> session;
  if (live_update) {
    session = live_update->create_session(kSessionName);
    preserve(narrator, *session, all, preserved);
  } else {
    // Nothing can be preserved; a plain kexec shows what that costs.
    narrator.mark(pcie::Step::WindowBegin);
  }
  try {
    system.kexec();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::Refused) {
      throw;
    }
    go_on_after_refusal(system, narrator, all, std::move(session), error);
  }
}

// Null, and everything said, where nothing was handed over.
std::unique_ptr<Session> retrieve_session(System& system, Narrator& narrator,
                                          std::unique_ptr<LiveUpdate>& live_update) {
  try {
    live_update = system.open_live_update();
    return live_update->retrieve_session(kSessionName);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::Refused) {
      throw;
    }
    narrator.mark(pcie::Step::NoHandover, static_cast<std::uint64_t>(error.errno_value()));
    system.print(std::string("nothing was handed over: ") + error.what());
    look_after_orphans(system);
    narrator.enter(pcie::Phase::Halt);
    return nullptr;
  }
}

// After an update the agent reports what does not move, and leaves the verdict to others.
void report_traffic(System& system, Narrator& narrator, EndpointStreams& streams) {
  try {
    streams.expect_traffic(kTrafficCheck);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::Unavailable) {
      throw;
    }
    system.print(error.what());
    return;
  }
  if (const unsigned silent = streams.silent_vectors(); silent != 0) {
    narrator.mark(pcie::Step::MissedMessages, silent);
    system.print(std::to_string(silent) + " interrupt vectors of the endpoint at " + streams.bdf().to_string() +
                 " have been silent since they were enabled again");
  }
}

}  // namespace

void run_stage_1(System& system, const Participants& participants) {
  run_stage(system, [&](Narrator& narrator) {
    narrator.enter(pcie::Phase::Setup);
    Streams all;
    const unsigned preserved = participants.preserved != 0
                                   ? participants.preserved
                                   : std::max(static_cast<unsigned>(system.devices().size()), 1u);
    start(system, all, 0, preserved + participants.neighbours);
    narrator.mark(pcie::Step::TrafficStarted, running_streams(all));
    for (const auto& streams : all) {
      streams->expect_traffic(kTrafficCheck);
    }
    expect_interrupts(system, all);

    narrator.enter(pcie::Phase::Steady);
    let_run(system, all, duration_parameter(system, "before_us", std::chrono::microseconds(200)));
    if (system.parameter("jump") == "none") {
      go_on_without_jump(system, narrator, all);
    } else {
      preserve_and_jump(system, narrator, all, preserved);
    }
  });
}

void run_stage_2(System& system, const Participants& participants) {
  run_stage(system, [&](Narrator& narrator) {
    narrator.enter(pcie::Phase::Retrieve);
    std::unique_ptr<LiveUpdate> live_update;
    const std::unique_ptr<Session> session = retrieve_session(system, narrator, live_update);
    if (!session) {
      return;
    }
    Streams all;
    all.push_back(EndpointStreams::retrieve(system, *session, 0));
    const unsigned preserved = read_agent_state(all.front()->state_memory()).endpoints;
    for (unsigned index = 1; index < preserved; ++index) {
      all.push_back(EndpointStreams::retrieve(system, *session, index));
    }
    for (const auto& streams : all) {
      streams->begin_interrupt_check();
      streams->enable_interrupts_again();
    }

    narrator.enter(pcie::Phase::Finish);
    session->finish();
    narrator.mark(pcie::Step::WindowEnd);

    narrator.enter(pcie::Phase::After);
    for (const auto& streams : all) {
      report_traffic(system, narrator, *streams);
    }
    start(system, all, preserved, participants.neighbours);
    end_traffic(system, narrator, all);
  });
}

}  // namespace holdover::host
