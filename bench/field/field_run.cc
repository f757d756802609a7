// SPDX-License-Identifier: MIT
#include "bench/field/field_run.h"

#include <algorithm>

#include "bench/output_file.h"
#include "bench/run.h"
#include "host/agent/live_update_stages.h"
#include "pcie/error.h"

namespace holdover::bench {
namespace {

// As many as RING_ENTRIES can count: the ring is to hold every record of the window.
constexpr unsigned kRecords = 0xffff;
// Of the time after the update: the agent's own work comes on top of it.
constexpr std::uint64_t kMostRecordsAfter = 50'000;
constexpr std::uint32_t kLongestTransfer = 16384;

std::string microseconds(Time time) { return std::to_string(time.count() / 1'000'000); }
std::string nanoseconds(Time time) { return std::to_string(time.count() / 1000); }

void require_between(const char* option, Time time, Time least, Time most) {
  if (time >= least && time <= most) return;
  throw Error(ErrorCode::InvalidArgument, std::string(option) + ": " + format_time(time) +
                                              " is out of range; possible are " + format_time(least) + " to " +
                                              format_time(most));
}

void require_traffic(const FieldOptions& options) {
  const auto refuse = [](const std::string& sentence) { throw Error(ErrorCode::InvalidArgument, sentence); };
  if (options.transfer > kLongestTransfer) {
    refuse("--transfer: " + std::to_string(options.transfer) + " is out of range; possible are 1 to " +
           std::to_string(kLongestTransfer) + " bytes, or 0 (mixed)");
  }
  if (options.after > options.heartbeat * kMostRecordsAfter) {
    refuse("--after: " + format_time(options.after) + " is too long for --heartbeat " + format_time(options.heartbeat) +
           ", whose ring holds " + std::to_string(kRecords) + " records; possible are up to " +
           format_time(options.heartbeat * kMostRecordsAfter));
  }
  if (options.bulk.empty()) return;
  std::size_t channels = 0;
  for (std::size_t at = 0; at <= options.bulk.size(); ++channels) {
    const std::size_t comma = std::min(options.bulk.find(',', at), options.bulk.size());
    const std::string word = options.bulk.substr(at, comma - at);
    if (word != "c2h" && word != "h2c") {
      refuse("--bulk: «" + options.bulk + "» is not possible; it takes c2h (to the host) and h2c (to the card), one " +
             "for each channel, separated by commas");
    }
    at = comma + 1;
  }
  if (channels > host::kMaxChannels) {
    refuse("--bulk: " + std::to_string(channels) + " channels are asked for, and no endpoint has more than " +
           std::to_string(host::kMaxChannels));
  }
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

void mark_judged(FieldState state, const FieldOptions& options) {
  state.judged = 1;
  save(state, options.state);
}

}  // namespace

void validate(const FieldOptions& options) {
  using namespace literals;
  require_between("--heartbeat", options.heartbeat, 1_us, 1000_ms);
  require_between("--before", options.before, 1_us, 600'000_ms);
  require_between("--after", options.after, 1_us, 600'000_ms);
  require_between("--completion-timeout", options.completion_timeout, 1_us, 4000_ms);
  if (options.silence_limit) require_between("--silence-limit", *options.silence_limit, 1_ns, 600'000_ms);
  require_traffic(options);
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
  set_text(state.boot_id, options.boot_id, "the identity of this boot");
  bool kept = false;
  std::function<void(const FieldState&)> keep;
  if (options.jump) {
    keep = [&](const FieldState& now) {
      save(now, options.state);
      kept = true;
    };
  }
  FieldWitness witness(state, std::move(keep), &system);
  host::run_stage_1(system, {1, 0}, &witness);
  // A board that could not even be opened is no matter of a verdict. One that stands still is.
  const std::optional<ErrorCode> failed = witness.observation().failure_code;
  if (!witness.opened() && failed && *failed != ErrorCode::Unavailable) {
    throw Error(ErrorCode::Unavailable, options.target + ": " + witness.observation().failure);
  }
  // Nothing was replaced: the verdict is told here.
  if (kept) mark_judged(witness.state(), options);
  return report_on(witness, options);
}

FieldReport run_after_kexec(host::System& system, const FieldOptions& options, const FieldState& state) {
  require_unjudged(state, options.boot_id, options.state);
  // The session comes back once: a second stage 2 would find none, whatever became of the first.
  mark_judged(state, options);
  FieldWitness witness(state, system);
  host::run_stage_2(system, {1, 0}, &witness);
  return report_on(witness, options);
}

}  // namespace holdover::bench
