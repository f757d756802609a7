// SPDX-License-Identifier: MIT
// What may be asked of a run.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>
#include <sstream>

#include "bench/fault_table.h"
#include "bench/kernels.h"
#include "bench/output_file.h"
#include "bench/run.h"
#include "host/agent/stream_layout.h"
#include "host/kernel/hazard.h"
#include "host/kernel/longest_wait.h"
#include "pcie/error.h"

namespace holdover::bench {
namespace {

constexpr Time kLongest{1'000'000'000'000};  // 1 s
constexpr Time kShortestBlackout{1'000'000};
constexpr Time kMicrosecond{1'000'000};
constexpr Time kLongestHeartbeat{20'000'000};
constexpr Time kClock{4000};
constexpr Time kLongestTimeout{50'000'000'000};

struct AspmEntry {
  std::string_view name;
  unsigned aspm;
};
constexpr std::array<AspmEntry, 4> kAspm{
    {{"off", 0}, {"l0s", sim::kAspmL0s}, {"l1", sim::kAspmL1}, {"all", sim::kAspmAll}}};

// The next whole number of units.
Time whole(Time time, Time unit) { return unit * ((time + unit - Time{1}) / unit); }

template <typename Table>
void require_name(const std::string& option, const std::string& name, const Table& table) {
  std::string possible;
  for (const auto& entry : table) {
    if (entry.name == name) return;
    possible += (possible.empty() ? "" : ", ") + std::string(entry.name);
  }
  throw Error{ErrorCode::InvalidArgument, option + ": there is no «" + name + "»; there are: " + possible};
}

void require_range(const std::string& option, Time value, Time least) {
  if (value >= least && value <= kLongest) return;
  throw Error{ErrorCode::InvalidArgument, option + ": " + format_time(value) + " is out of range; possible are " +
                                              format_time(least) + " to " + format_time(kLongest)};
}

[[noreturn]] void refuse_number(const std::string& option, std::uint64_t value, const std::string& possible) {
  throw Error{ErrorCode::InvalidArgument,
              option + ": " + std::to_string(value) + " is not possible; it takes " + possible};
}

void require_link(const RunOptions& options) {
  try {
    (void)sim::select_link(options.link);
  } catch (const Error& error) {
    throw Error{error.code(), std::string("--link: ") + error.what()};
  }
}

void require_directions(const RunOptions& options) {
  const BulkChannels asked = bulk_channels(options);
  const unsigned count = asked.to_host + asked.to_card;
  if (count > options.channels) {
    throw Error{ErrorCode::InvalidArgument, "--bulk: " + std::to_string(count) + " channels are asked for, and " +
                                                std::to_string(options.channels) +
                                                " are there; ask for more with --channels"};
  }
}

void require_between(const std::string& option, Time value, Time least, Time most) {
  if (value >= least && value <= most) return;
  throw Error{ErrorCode::InvalidArgument, option + ": " + format_time(value) + " is out of range; possible are " +
                                              format_time(least) + " to " + format_time(most)};
}

// A record that is due finds room in the endpoint as long as fewer than so many of them wait.
void require_heartbeat(const RunOptions& options) {
  constexpr std::uint64_t kWaitingRecords = 16;
  require_between("--heartbeat", options.heartbeat, Time{2'000'000}, kLongestHeartbeat);
  const Time bound = sim::silence_bound(machine_config(options)).total;
  if (options.heartbeat * kWaitingRecords > bound) return;
  const Time least = whole(bound / kWaitingRecords + Time{1}, kMicrosecond);
  const std::string slower = least > kLongestHeartbeat ? "" : format_time(least) + " or more, or for ";
  throw Error{ErrorCode::InvalidArgument,
              "--heartbeat: " + format_time(options.heartbeat) + " is too fast for --link " + options.link +
                  " and this topology, where a record may wait " + format_time(whole(bound, kMicrosecond)) +
                  " and the endpoint keeps 16 of them; ask for " + slower + "a faster link" +
                  (options.aspm == "off" ? "" : ", or --aspm off")};
}

// The limits: a page of descriptors has room for the longest transfers in DRAM; a heartbeat must not be faster than a
// legal machine takes its records; a read must not be given up before a legal machine answers it.
void require_traffic(const RunOptions& options) {
  if (std::find(sim::kDataWidths.begin(), sim::kDataWidths.end(), options.width) == sim::kDataWidths.end()) {
    refuse_number("--width", options.width, "64, 128, 256 or 512 bits");
  }
  if (options.channels < 1 || options.channels > sim::kMostChannels) {
    refuse_number("--channels", options.channels, "1 to " + std::to_string(sim::kMostChannels));
  }
  const unsigned most = 128u << sim::select_endpoint(options.endpoint).max_payload_supported;
  const unsigned payload = max_payload(options);
  if (payload != 128 && payload != 256 && payload != 512) {
    refuse_number("--max-payload", payload, "128, 256 or 512 bytes");
  }
  if (payload > most) {
    refuse_number("--max-payload", payload,
                  "at most " + std::to_string(most) + " bytes with --endpoint " + options.endpoint);
  }
  require_directions(options);
  try {
    (void)sim::select_disturbances(options.disturb);
  } catch (const Error& error) {
    throw Error{error.code(), std::string("--disturb: ") + error.what()};
  }
  constexpr std::uint32_t kLongestTransfer = 16384;
  if (options.transfer > kLongestTransfer) {
    refuse_number("--transfer", options.transfer, "1 to " + std::to_string(kLongestTransfer) + " bytes, or 0 (mixed)");
  }
  constexpr Time kLongestLatency{5'000'000};
  require_between("--read-latency-min", options.read_latency_min, Time{0}, options.read_latency_max);
  require_between("--read-latency-max", options.read_latency_max, options.read_latency_min, kLongestLatency);
  require_between("--write-latency-max", options.write_latency_max, Time{0}, Time{2'000'000});
  require_heartbeat(options);
  const sim::MachineConfig machine = machine_config(options);
  const Time timeout = machine.endpoint.completion_timeout;
  for (const auto& [option, time] :
       {std::pair{"--heartbeat", options.heartbeat}, std::pair{"--completion-timeout", timeout}}) {
    if (time % kClock == Time{0}) continue;
    throw Error{ErrorCode::InvalidArgument,
                std::string(option) + ": " + format_time(time) + " is no whole number of clocks of 4ns"};
  }
  require_between("--completion-timeout", timeout, whole(sim::longest_answer(machine), kClock) + kClock,
                  kLongestTimeout);
}

// The kernel takes its times in microseconds.
void require_whole_microseconds(const std::string& option, Time value) {
  if (value % kMicrosecond == Time{0}) return;
  throw Error{ErrorCode::InvalidArgument,
              option + ": " + format_time(value) + " is no whole number of microseconds, for example 200us"};
}

void require_executable(const std::string& option, const std::filesystem::path& image) {
  std::error_code ignored;
  if (std::filesystem::is_regular_file(image, ignored) && access(image.c_str(), X_OK) == 0) return;
  throw Error{ErrorCode::Unavailable, option + ": the kernel image «" + image.string() +
                                          "» cannot be executed; name an executable file, or ask for --isolation "
                                          "in-process, which needs none"};
}

void require_images(const RunOptions& options) {
  if (options.isolation == Isolation::InProcess) {
    if (options.kernel_image.empty() && options.next_image.empty()) return;
    throw Error{ErrorCode::InvalidArgument,
                std::string(options.kernel_image.empty() ? "--next-image" : "--kernel-image") +
                    ": a kernel in this process has no image; ask for --isolation process"};
  }
  require_executable(options.kernel_image.empty() ? "--isolation process" : "--kernel-image", first_image(options));
  if (options.next_image.empty()) return;
  if (options.jump == Jump::None) {
    throw Error{ErrorCode::InvalidArgument,
                "--next-image: with --jump none no other kernel is entered; ask for --jump kexec"};
  }
  require_executable("--next-image", options.next_image);
}

void require_kernels(const RunOptions& options) {
  const std::vector<KernelChoice> all = kernels(options);
  if (options.jump == Jump::None && !(options.from.empty() && options.to.empty() && options.chain.empty())) {
    throw Error{ErrorCode::InvalidArgument,
                "--jump none has one kernel; choose it with --profile, and leave out --from, --to and --chain"};
  }
  if (options.jump == Jump::Crash && all.size() > 2) {
    throw Error{ErrorCode::InvalidArgument,
                "--jump crash ends in a crash kernel, which is replaced by no other; leave out --chain"};
  }
  if (options.finish == FinishOrder::AfterPreserve && all.size() == 2) {
    throw Error{ErrorCode::InvalidArgument,
                "--finish after-preserve needs a kernel between two others; ask for --chain with three or more"};
  }
}

// A fault that cannot strike would give a PASS that means nothing.
void require_faults(const RunOptions& options) {
  std::set<std::string> seen;
  for (const std::string& fault : options.faults) {
    const FaultSelection selection = select_faults({fault});
    if (!seen.insert(fault).second) {
      throw Error{ErrorCode::InvalidArgument, "--fault: " + fault + " is given twice; each fault strikes once"};
    }
    if (!selection.damages.empty() && options.jump == Jump::Crash) {
      throw Error{ErrorCode::InvalidArgument, "--fault: " + fault +
                                                  " damages what is handed over, and a crash kernel is handed "
                                                  "nothing; ask for --jump kexec"};
    }
    if (!selection.interference.empty() && (options.jump == Jump::Crash || handed_over(options.scenario, 1) == 0)) {
      throw Error{ErrorCode::InvalidArgument,
                  "--fault: " + fault +
                      " strikes where a function is handed over, and nothing is here; ask for "
                      "--scenario continuity and --jump kexec"};
    }
    if (options.jump != Jump::None) continue;
    if (selection.machine.empty() || selection.machine.front().phase == pcie::Phase::Blackout) {
      throw Error{
          ErrorCode::InvalidArgument,
          "--fault: " + fault + " strikes in a live update only, and --jump none has none; ask for --jump kexec"};
    }
  }
}

void require_outputs(const RunOptions& options) {
  struct Output {
    const char* option;
    const std::filesystem::path& path;
  };
  const std::array<Output, 5> outputs = {{{"--json", options.json},
                                          {"--junit", options.junit},
                                          {"--trace", options.trace},
                                          {"--dram", options.dram},
                                          {"--wave", options.wave}}};
  std::set<std::filesystem::path> seen;
  std::error_code ignored;
  std::vector<std::filesystem::path> inputs = options.sources;
  inputs.insert(inputs.end(), {first_image(options), options.next_image});
  for (const Output& output : outputs) {
    if (output.path.empty()) continue;
    for (const std::filesystem::path& input : inputs) {
      if (input.empty() || !std::filesystem::equivalent(input, output.path, ignored)) continue;
      throw Error{ErrorCode::InvalidArgument, std::string(output.option) + ": " + output.path.string() +
                                                  " is read by this run and would be lost; name another file"};
    }
    require_writable(output.option, output.path);
    if (!seen.insert(place_of(output.path)).second) {
      throw Error{ErrorCode::InvalidArgument, std::string(output.option) + ": " + output.path.string() +
                                                  " is named for another output too; give each its own file"};
    }
  }
}

}  // namespace

const std::filesystem::path& first_image(const RunOptions& options) {
  return options.kernel_image.empty() ? options.own_image : options.kernel_image;
}

sim::MachineConfig machine_config(const RunOptions& options) {
  sim::MachineConfig config;
  config.topology = options.topology;
  config.seed = options.seed;
  config.link = sim::select_link(options.link);
  for (const AspmEntry& entry : kAspm) {
    if (entry.name == options.aspm) config.aspm = entry.aspm;
  }
  config.blackout = options.blackout;
  config.endpoint = sim::select_endpoint(options.endpoint);
  config.endpoint.data_width = options.width;
  config.endpoint.channels = options.channels;
  while (config.endpoint.max_payload_supported != 0 &&
         (128u << config.endpoint.max_payload_supported) > max_payload(options)) {
    --config.endpoint.max_payload_supported;
  }
  config.disturbance = sim::select_disturbances(options.disturb);
  config.disturbance.read_latency_min = options.read_latency_min;
  config.disturbance.read_latency_max = options.read_latency_max;
  config.disturbance.write_latency_max = options.write_latency_max;
  // Reads over a slow link, or many of them, take longer than a driver usually waits.
  config.endpoint.completion_timeout = options.completion_timeout.value_or(
      std::max(config.endpoint.completion_timeout, whole(sim::longest_answer(config), kMicrosecond) + kMicrosecond));
  return config;
}

unsigned max_payload(const RunOptions& options) {
  return options.max_payload.value_or(128u << sim::select_endpoint(options.endpoint).max_payload_supported);
}

InterruptsAtFreeze interrupts_at_freeze(const RunOptions& options) {
  if (options.interrupts_at_freeze) return *options.interrupts_at_freeze;
  const std::vector<KernelChoice> all = kernels(options);
  const auto demands = [&](const KernelChoice& kernel) {
    host::kernel::Policies policies = policies_of(kernel);
    for (const std::string& name : select_faults(options.faults).hazards) {
      host::kernel::find_hazard(name)->apply(policies);
    }
    return policies.interrupts_at_freeze == host::kernel::InterruptsAtFreeze::MustBeOff;
  };
  return std::any_of(all.begin(), all.end() - 1, demands) ? InterruptsAtFreeze::Off : InterruptsAtFreeze::Keep;
}

Time host_patience(const RunOptions& options, std::size_t functions) {
  constexpr Time kLeast{30'000'000'000};
  Time bound{0};
  for (const KernelChoice& kernel : kernels(options)) {
    bound = std::max(bound, host::kernel::scaled(host::kernel::kLongestWait, policies_of(kernel)));
  }
  return kLeast + bound * functions + options.before + options.after + options.blackout;
}

BulkChannels bulk_channels(const RunOptions& options) {
  BulkChannels channels;
  if (options.bulk.empty()) {
    channels.to_host = 1;
    channels.to_card = options.channels > 1 ? 1 : 0;
    return channels;
  }
  std::istringstream words(options.bulk + ",");
  for (std::string word; std::getline(words, word, ',');) {
    if (word != "c2h" && word != "h2c") {
      throw Error{ErrorCode::InvalidArgument, "--bulk: «" + options.bulk +
                                                  "» is not possible; it takes c2h (to the host) and h2c (to the "
                                                  "card), one for each channel, separated by commas"};
    }
    ++(word == "c2h" ? channels.to_host : channels.to_card);
  }
  return channels;
}

void validate(const RunOptions& options) {
  require_name("--scenario", options.scenario, scenarios());
  require_kernels(options);
  require_name("--topology", options.topology, sim::topologies());
  require_link(options);
  require_name("--endpoint", options.endpoint, sim::endpoints());
  require_name("--aspm", options.aspm, kAspm);
  require_faults(options);
  if (options.scenario == "neighbour" && options.topology == "direct") {
    throw Error{ErrorCode::InvalidArgument,
                "--scenario neighbour needs two endpoints below one switch; ask for --topology switch"};
  }
  if (options.scenario == "neighbour" && options.jump == Jump::None) {
    throw Error{
        ErrorCode::InvalidArgument,
        "--jump none with --scenario neighbour has no neighbour that is left behind; ask for --scenario continuity"};
  }
  const unsigned vectors = sim::select_endpoint(options.endpoint).msix_vectors;
  if (vectors < host::kVectorCount && handed_over(options.scenario, 1) != 0) {
    throw Error{ErrorCode::InvalidArgument, "--endpoint " + options.endpoint + " has " + std::to_string(vectors) +
                                                " interrupt vectors, and --scenario " + options.scenario + " needs " +
                                                std::to_string(host::kVectorCount) +
                                                "; ask for --endpoint holdover, or --scenario plain-kexec"};
  }
  require_range("--blackout", options.blackout, kShortestBlackout);
  require_range("--before", options.before, Time{0});
  require_range("--after", options.after, Time{0});
  require_whole_microseconds("--before", options.before);
  require_whole_microseconds("--after", options.after);
  if (options.jump == Jump::None) require_whole_microseconds("--blackout", options.blackout);
  require_traffic(options);
  if (options.wave.empty() && (options.wave_from > Time{0} || options.wave_to)) {
    throw Error{ErrorCode::InvalidArgument, "--wave-from and --wave-to need --wave FILE.fst"};
  }
  if (options.wave_to && *options.wave_to <= options.wave_from) {
    throw Error{ErrorCode::InvalidArgument, "--wave-to: " + format_time(*options.wave_to) +
                                                " does not lie after --wave-from " + format_time(options.wave_from)};
  }
  if (options.trace_memory && options.trace.empty()) {
    throw Error{ErrorCode::InvalidArgument, "--trace-detail: memory is recorded in a trace; ask for --trace FILE too"};
  }
  require_images(options);
  require_outputs(options);
}

}  // namespace holdover::bench
