// SPDX-License-Identifier: MIT
#include "bench/run.h"

#include <algorithm>
#include <utility>

#include "bench/fault_table.h"
#include "bench/firmware.h"
#include "bench/guarded_platform.h"
#include "bench/judge.h"
#include "bench/kernels.h"
#include "bench/observer.h"
#include "bench/output_file.h"
#include "bench/runner.h"
#include "pcie/error.h"

namespace holdover::bench {
namespace {

// A replay shows the signals from this long before the first finding until this long after it.
constexpr Time kReplayBefore{10'000'000};
constexpr Time kReplayAfter{5'000'000};

RunEnd run_host(GuardedPlatform& platform, sim::ObservedMachine& machine, const RunOptions& options) {
  if (options.isolation == Isolation::InProcess) return run_in_process(platform);
  return run_in_processes(platform, machine.dram_descriptor(), options);
}

std::string replay_command(const RunOptions& options, const Finding& finding) {
  constexpr std::uint64_t kMicrosecond = 1'000'000;
  RunOptions replay = options;
  replay.json.clear();
  replay.junit.clear();
  replay.trace.clear();
  replay.trace_memory = false;
  replay.dram.clear();
  replay.wave = "holdover-" + options.scenario + "-" + std::to_string(options.seed) + ".fst";
  const std::uint64_t time = finding.time.count();
  const std::uint64_t from = time > kReplayBefore.count() ? time - kReplayBefore.count() : 0;
  replay.wave_from = Time{from / kMicrosecond * kMicrosecond};
  replay.wave_to = Time{((time + kReplayAfter.count()) / kMicrosecond + 1) * kMicrosecond};
  return command_line(replay);
}

std::vector<std::string> notes_for(const RunOptions& options, const RunEnd& end, const Observer& observer) {
  std::vector<std::string> notes;
  for (const HandoverDamage& damage : handover_damages()) {
    if (observer.struck().count(damage.entry.name) == 0) continue;
    notes.push_back("fault " + std::string(damage.entry.name) + ": " + std::string(damage.entry.sentence));
  }
  for (const std::string& fault : end.not_struck) {
    notes.push_back("the fault " + fault + " did not strike: nothing of its kind came by");
  }
  const std::vector<KernelChoice> all = kernels(options);
  if (std::any_of(all.begin(), all.end(), [](const KernelChoice& kernel) {
        return policies_of(kernel).delays == host::kernel::Delays::Scaled;
      })) {
    notes.push_back("the waits that a kernel is bound to (reset, power, link training) are divided by 1000");
  }
  if (interrupts_at_freeze(options) == InterruptsAtFreeze::Off) {
    notes.push_back("the agent switches interrupts off before the kexec; events of the gap wait in the endpoint");
  }
  if (options.channels == 1) {
    notes.push_back("the endpoint has one channel: bulk data goes one way only, beside the heartbeat");
  }
  return notes;
}

std::vector<std::string> not_struck(const FaultSelection& faults, const Observer& observer) {
  std::vector<std::string> names;
  for (const sim::MachineFault& fault : faults.machine) names.emplace_back(fault_name(fault.kind));
  for (const HandoverDamage& damage : faults.damages) names.emplace_back(damage.entry.name);
  std::erase_if(names, [&](const std::string& name) { return observer.struck().count(name) != 0; });
  return names;
}

void write_files(const Report& report) {
  if (!report.options.json.empty()) write_whole("--json", report.options.json, to_json(report));
  if (!report.options.junit.empty()) write_whole("--junit", report.options.junit, to_junit(report));
}

Report report_on(const RunOptions& options, const sim::MachineConfig& config, sim::ObservedMachine& machine,
                 const Observer& observer, const RunEnd& end) {
  const Ledgers& ledgers = observer.ledgers();
  Report report;
  report.options = options;
  report.machine = config;
  report.verdict = judge(ledgers, options, end);
  report.simulated = machine.platform().now();
  report.clocks = machine.cycles();
  report.phases = phase_rows(ledgers, report.simulated);
  report.silence_bound = machine.silence_bound();
  for (const EndpointLedger& endpoint : ledgers.endpoints) {
    report.tlps += endpoint.tlps();
    if (endpoint.heartbeat().ever_ran()) {
      report.silence_limit = std::max(report.silence_limit, endpoint.heartbeat().limit());
    }
  }
  report.window_begin = ledgers.scene.window_begin().value_or(Time{0});
  report.window_end = ledgers.scene.window_end().value_or(report.simulated);
  report.hazards = ledgers.hazards.sightings();
  report.notes = notes_for(options, end, observer);
  report.console.assign(observer.console().begin(), observer.console().end());
  if (report.verdict.outcome == Outcome::Fail && report.verdict.first) {
    report.replay = replay_command(options, *report.verdict.first);
  }
  return report;
}

}  // namespace

sim::MachineConfig whole_machine_config(const RunOptions& options) {
  const FaultSelection faults = select_faults(options.faults);
  sim::MachineConfig config = machine_config(options);
  config.faults = faults.machine;
  config.endpoint.pending_while_disabled = faults.pending_while_disabled;
  if (!options.trace.empty()) config.trace = place_of(options.trace);
  config.trace_memory = options.trace_memory;
  if (!options.dram.empty()) config.dram = place_of(options.dram);
  if (!options.wave.empty()) config.wave = place_of(options.wave);
  config.wave_from = options.wave_from;
  config.wave_to = options.wave_to;
  return config;
}

Report run(const RunOptions& options, const MachineFactory& factory, const Progress& progress) {
  validate(options);
  const auto started = std::chrono::steady_clock::now();
  const FaultSelection faults = select_faults(options.faults);
  const sim::MachineConfig config = whole_machine_config(options);
  const std::string line = kernel_command_line(options, faults.hazards);

  Observer observer;  // outlives the machine
  const std::unique_ptr<sim::ObservedMachine> machine = factory(config, observer);
  HOLDOVER_CHECK(machine != nullptr);
  write_cold_boot(machine->platform().dram(), line);
  observer.attach(*machine, config.endpoint.completion_timeout, kColdBootParameters);
  observer.damage(faults.damages);
  set_up_links(machine->platform(), config.aspm);
  unsigned updates = 0;
  if (options.jump != Jump::None) {
    Scene& scene = observer.ledgers().scene;
    scene.expect_handover(handed_over(options.scenario, scene.endpoint_count()));
    const std::vector<KernelChoice> all = kernels(options);
    updates = static_cast<unsigned>(all.size()) - 1;
    if (std::all_of(all.begin(), all.end(), [&](const KernelChoice& kernel) { return kernel == all.front(); })) {
      observer.ledgers().handover.expect_equal_amounts();
    }
    scene.expect_interrupts_off(interrupts_at_freeze(options) == InterruptsAtFreeze::Off);
  }
  GuardedPlatform platform{*machine, observer, options.stop, host_patience(options, machine->functions().size()),
                           progress};

  RunEnd end = run_host(platform, *machine, options);
  // Nobody stops the devices of a kernel that has stopped itself: what they still do is a part of the report.
  if (end.kind == RunEnd::Kind::Panicked && observer.ledgers().scene.window_begin()) platform.wait(options.after);
  if (platform.interrupted()) {
    throw Error{ErrorCode::Interrupted,
                "the run was stopped at " + readable_time(machine->platform().now()) + " of simulated time, phase " +
                    std::string(pcie::to_string(observer.ledgers().scene.phase())) + "; no report was written"};
  }
  end.not_struck = not_struck(faults, observer);
  const Time now = machine->platform().now();
  if (platform.stuck()) observer.ledgers().evidence.find(Check::Continuity, now, std::nullopt, *platform.stuck());
  observer.end(now, updates);
  machine->close_files();

  Report report = report_on(options, config, *machine, observer, end);
  report.dump = platform.dump();
  report.wall = std::chrono::steady_clock::now() - started;
  write_files(report);
  return report;
}

int exit_code(const Report& report) {
  switch (report.verdict.outcome) {
    case Outcome::Pass:
      return 0;
    case Outcome::Fail:
      return 1;
    case Outcome::Inconclusive:
      return 3;
  }
  return 3;
}

}  // namespace holdover::bench
