// SPDX-License-Identifier: MIT
#include "bench/field/field_run.h"

#include "bench/output_file.h"
#include "bench/run.h"
#include "host/agent/live_update_stages.h"
#include "pcie/error.h"

namespace holdover::bench {
namespace {

// As many as RING_ENTRIES can count: the ring is to hold every record of the window.
constexpr unsigned kRecords = 0xffff;

std::string microseconds(Time time) { return std::to_string(time.count() / 1'000'000); }
std::string nanoseconds(Time time) { return std::to_string(time.count() / 1000); }

void require_between(const char* option, Time time, Time least, Time most) {
  if (time >= least && time <= most) return;
  throw Error(ErrorCode::InvalidArgument, std::string(option) + ": " + format_time(time) +
                                              " is out of range; possible are " + format_time(least) + " to " +
                                              format_time(most));
}

FieldReport report_on(const FieldWitness& witness, const FieldOptions& options) {
  FieldReport report;
  report.version = options.version;
  report.commit = options.commit;
  report.command = options.command;
  report.target = options.target;
  if (options.console != nullptr) report.console = *options.console;
  report.state = witness.state();
  report.seen = witness.observation();
  report.verdict = judge_field(report.state, report.seen);
  if (!witness.opened()) {
    report.verdict.outcome = Outcome::Inconclusive;
    report.verdict.reason =
        "the window never opened: " + (report.seen.failure.empty()
                                           ? "the run ended in phase " + std::string(pcie::to_string(report.seen.phase))
                                           : report.seen.failure);
    report.verdict.headline = "INCONCLUSIVE: " + report.verdict.reason;
  }
  if (!options.json.empty()) write_whole("--json", options.json, to_json(report));
  if (!options.junit.empty()) write_whole("--junit", options.junit, to_junit(report));
  return report;
}

}  // namespace

void validate(const FieldOptions& options) {
  using namespace literals;
  require_between("--heartbeat", options.heartbeat, 1_us, 1000_ms);
  require_between("--before", options.before, 1_us, 600'000_ms);
  require_between("--after", options.after, 1_us, 600'000_ms);
  require_between("--completion-timeout", options.completion_timeout, 1_us, 4000_ms);
  if (options.state.empty() && options.jump) {
    throw Error(ErrorCode::InvalidArgument,
                "--state: name a file on a disk that the kexec leaves alone; stage 1 writes it and stage 2 reads it");
  }
  if (!options.state.empty()) require_writable("--state", options.state);
  if (!options.json.empty()) require_writable("--json", options.json);
  if (!options.junit.empty()) require_writable("--junit", options.junit);
}

std::string parameters(const FieldOptions& options) {
  std::string line =
      "scenario=continuity seed=" + std::to_string(options.seed) + " heartbeat_ns=" + nanoseconds(options.heartbeat) +
      " heartbeat_records=" + std::to_string(kRecords) + " before_us=" + microseconds(options.before) +
      " after_us=" + microseconds(options.after) + " completion_timeout_ns=" + nanoseconds(options.completion_timeout);
  if (!options.bulk.empty()) line += " bulk=" + options.bulk;
  if (options.transfer != 0) line += " transfer=" + std::to_string(options.transfer);
  if (options.interrupts_off) line += " interrupts_at_freeze=off";
  // The control's window is as long as the traffic after an update.
  if (!options.jump) line += " jump=none blackout_us=" + microseconds(options.after);
  return line;
}

Bytes memory_of(const FieldOptions& options) {
  host::Traffic traffic;
  traffic.to_host.assign(host::kMaxChannels, true);
  traffic.transfer = options.transfer;
  traffic.writer_records = kRecords;
  const host::StreamLayout layout(traffic);
  return layout.rings_bytes() + layout.data_bytes() + layout.heartbeat_bytes();
}

FieldReport run_before_kexec(host::System& system, const FieldOptions& options) {
  FieldState state;
  set_text(state.parameters, parameters(options), "what the scenario is to do");
  state.silence_limit_ps = options.silence_limit ? options.silence_limit->count() : 0;
  state.scratch = static_cast<std::uint32_t>(options.seed * 0x9e37'79b9) | 1;
  state.interrupts_off = options.interrupts_off && options.jump ? 1 : 0;
  std::function<void(const FieldState&)> keep;
  if (options.jump) keep = [&](const FieldState& now) { save(now, options.state); };
  FieldWitness witness(state, std::move(keep));
  host::run_stage_1(system, {1, 0}, &witness);
  // A board that could not even be opened is no matter of a verdict. One that stands still is.
  const std::optional<ErrorCode> failed = witness.observation().failure_code;
  if (!witness.opened() && failed && *failed != ErrorCode::Unavailable) {
    throw Error(ErrorCode::Unavailable, options.target + ": " + witness.observation().failure);
  }
  return report_on(witness, options);
}

FieldReport run_after_kexec(host::System& system, const FieldOptions& options, const FieldState& state) {
  FieldWitness witness(state, system);
  host::run_stage_2(system, {1, 0}, &witness);
  return report_on(witness, options);
}

}  // namespace holdover::bench
