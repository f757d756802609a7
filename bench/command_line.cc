// SPDX-License-Identifier: MIT
// How a run is asked for on a command line.
#include <algorithm>
#include <array>
#include <cctype>
#include <sstream>
#include <string>
#include <string_view>

#include "bench/run.h"

namespace holdover::bench {
namespace {

std::string quoted(const std::string& text) {
  const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || std::string_view("+-_./:=,@%").find(static_cast<char>(c)) != std::string_view::npos;
  });
  if (plain) return text;
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

}  // namespace

std::string_view to_string(Jump jump) {
  switch (jump) {
    case Jump::Kexec:
      return "kexec";
    case Jump::Crash:
      return "crash";
    case Jump::None:
      return "none";
  }
  return {};
}

std::string format_time(Time time) {
  struct Unit {
    std::uint64_t picoseconds;
    const char* name;
  };
  static constexpr std::array<Unit, 5> kUnits = {
      {{1'000'000'000'000, "s"}, {1'000'000'000, "ms"}, {1'000'000, "us"}, {1'000, "ns"}, {1, "ps"}}};
  if (time.count() == 0) return "0us";
  for (const Unit& unit : kUnits) {
    if (time.count() % unit.picoseconds == 0) return std::to_string(time.count() / unit.picoseconds) + unit.name;
  }
  return {};
}

std::string command_line(const RunOptions& options) {
  const RunOptions defaults;
  std::ostringstream line;
  line << quoted(options.program) << " run --scenario " << options.scenario;
  if (options.chain.empty()) line << " --profile " << quoted(options.profile);
  if (!options.from.empty()) line << " --from " << quoted(options.from);
  if (!options.to.empty()) line << " --to " << quoted(options.to);
  if (!options.chain.empty()) line << " --chain " << quoted(options.chain);
  line << " --topology " << options.topology << " --seed " << options.seed << " --isolation "
       << (options.isolation == Isolation::Process ? "process" : "in-process");
  if (options.jump != defaults.jump) line << " --jump " << to_string(options.jump);
  if (options.finish == FinishOrder::AfterPreserve) line << " --finish after-preserve";
  if (options.interrupts_at_freeze) {
    line << " --interrupts-at-freeze " << (*options.interrupts_at_freeze == InterruptsAtFreeze::Off ? "off" : "keep");
  }
  if (options.blackout != defaults.blackout) line << " --blackout " << format_time(options.blackout);
  if (options.before != defaults.before) line << " --before " << format_time(options.before);
  if (options.after != defaults.after) line << " --after " << format_time(options.after);
  if (options.link != defaults.link) line << " --link " << quoted(options.link);
  if (options.endpoint != defaults.endpoint) line << " --endpoint " << quoted(options.endpoint);
  if (options.aspm != defaults.aspm) line << " --aspm " << quoted(options.aspm);
  if (options.width != defaults.width) line << " --width " << options.width;
  if (options.channels != defaults.channels) line << " --channels " << options.channels;
  if (options.max_payload &&
      *options.max_payload != 128u << sim::select_endpoint(options.endpoint).max_payload_supported) {
    line << " --max-payload " << *options.max_payload;
  }
  if (options.bulk != defaults.bulk) line << " --bulk " << quoted(options.bulk);
  if (options.transfer != defaults.transfer) line << " --transfer " << options.transfer;
  if (options.disturb != defaults.disturb) line << " --disturb " << quoted(options.disturb);
  struct Named {
    const char* option;
    Time RunOptions::*time;
  };
  static constexpr std::array<Named, 4> kTimes = {{{"heartbeat", &RunOptions::heartbeat},
                                                   {"read-latency-min", &RunOptions::read_latency_min},
                                                   {"read-latency-max", &RunOptions::read_latency_max},
                                                   {"write-latency-max", &RunOptions::write_latency_max}}};
  for (const Named& each : kTimes) {
    if (options.*each.time == defaults.*each.time) continue;
    line << " --" << each.option << " " << format_time(options.*each.time);
  }
  if (options.completion_timeout) line << " --completion-timeout " << format_time(*options.completion_timeout);
  for (const std::string& policy : options.policies) line << " --policy " << quoted(policy);
  for (const std::string& fault : options.faults) line << " --fault " << quoted(fault);
  if (!options.kernel_image.empty()) line << " --kernel-image " << quoted(options.kernel_image.string());
  if (!options.next_image.empty()) line << " --next-image " << quoted(options.next_image.string());
  if (!options.json.empty()) line << " --json " << quoted(options.json.string());
  if (!options.junit.empty()) line << " --junit " << quoted(options.junit.string());
  if (!options.trace.empty()) line << " --trace " << quoted(options.trace.string());
  if (options.trace_memory) line << " --trace-detail memory";
  if (!options.dram.empty()) line << " --dram " << quoted(options.dram.string());
  if (!options.wave.empty()) {
    line << " --wave " << quoted(options.wave.string()) << " --wave-from " << format_time(options.wave_from);
    if (options.wave_to) line << " --wave-to " << format_time(*options.wave_to);
  }
  return line.str();
}

}  // namespace holdover::bench
