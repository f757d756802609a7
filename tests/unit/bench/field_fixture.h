// SPDX-License-Identifier: MIT
// An update on a machine with the endpoint as the only witness: two stages, and a file between them.
#pragma once

#include <cstdint>
#include <functional>
#include <sstream>
#include <string>

#include "bench/booted_machine.h"
#include "bench/field/field_judge.h"
#include "bench/field/field_report.h"
#include "host/agent/live_update_stages.h"

namespace holdover::bench::testing {
inline constexpr std::uint32_t kNonce = 0x5eed'1234;

struct FieldRun {
  FieldState state;
  FieldObservation seen;
  Verdict verdict;
  bool saved = false;
};

inline RunOptions machine_options() {
  RunOptions options;
  options.isolation = Isolation::InProcess;
  options.heartbeat = Time{20'000'000};  // 256 records: five milliseconds
  return options;
}

// What is done to the machine while no kernel runs.
using BetweenStages = std::function<void(BootedMachine&)>;

inline FieldRun run_field(const RunOptions& options, const BetweenStages& between = {}) {
  FieldRun run;
  FieldState state;
  state.scratch = kNonce;
  state.interrupts_off = interrupts_at_freeze(options) == InterruptsAtFreeze::Off ? 1 : 0;
  std::string file;
  std::function<void(const FieldState&)> save;
  if (options.jump != Jump::None) save = [&](const FieldState& now) { file = pack(now); };
  FieldWitness before(state, save);
  BootedMachine machine(options, sim::build_machine);
  machine.run([&](host::System& system) { host::run_stage_1(system, {}, &before); });
  run.saved = !file.empty();
  if (!run.saved || before.observation().refused) {
    run.state = before.state();
    run.seen = before.observation();
  } else {
    if (between) between(machine);
    run.state = unpack(file, "the file");
    machine.run([&](host::System& system) {
      FieldWitness after(run.state, system);
      host::run_stage_2(system, {}, &after);
      run.seen = after.observation();
    });
  }
  run.verdict = judge_field(run.state, run.seen);
  return run;
}

inline std::string text(const FieldRun& run) {
  FieldReport report;
  report.state = run.state;
  report.seen = run.seen;
  report.verdict = run.verdict;
  std::ostringstream out;
  print(out, report, false);
  return out.str();
}

}  // namespace holdover::bench::testing
