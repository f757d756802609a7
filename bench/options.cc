// SPDX-License-Identifier: MIT
// What may be asked of a run, and how it is asked for on a command line.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <sstream>

#include "bench/fault_table.h"
#include "bench/output_file.h"
#include "bench/run.h"
#include "host/kernel/profile.h"
#include "pcie/error.h"

namespace holdover::bench {
namespace {

constexpr Time kLongest{1'000'000'000'000};  // 1 s
constexpr Time kShortestBlackout{1'000'000};

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

// The kernel takes its times in microseconds.
void require_whole_microseconds(const std::string& option, Time value) {
  constexpr std::uint64_t kMicrosecond = 1'000'000;
  if (value.count() % kMicrosecond == 0) return;
  throw Error{ErrorCode::InvalidArgument, option + ": " + format_time(value) + " is no whole number of microseconds"};
}

void require_executable(const std::filesystem::path& image) {
  if (!image.empty() && access(image.c_str(), X_OK) == 0) return;
  throw Error{ErrorCode::Unavailable, "--isolation process: the kernel image «" + image.string() +
                                          "» cannot be executed; --isolation in-process needs none"};
}

void require_outputs(const RunOptions& options) {
  struct Output {
    const char* option;
    const std::filesystem::path& path;
  };
  const std::array<Output, 4> outputs = {
      {{"--json", options.json}, {"--junit", options.junit}, {"--trace", options.trace}, {"--wave", options.wave}}};
  std::set<std::filesystem::path> seen;
  for (const Output& output : outputs) {
    if (output.path.empty()) continue;
    require_writable(output.option, output.path);
    if (!seen.insert(std::filesystem::weakly_canonical(output.path)).second) {
      throw Error{ErrorCode::InvalidArgument, std::string(output.option) + ": " + output.path.string() +
                                                  " is named for another output too; give each its own file"};
    }
  }
}

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

void validate(const RunOptions& options) {
  require_name("--scenario", options.scenario, scenarios());
  require_name("--profile", options.profile, host::kernel::profiles());
  require_name("--topology", options.topology, sim::topologies());
  static_cast<void>(select_faults(options.faults));
  if (options.scenario == "neighbour" && options.topology == "direct") {
    throw Error{ErrorCode::InvalidArgument,
                "--scenario neighbour needs two endpoints below one switch; ask for --topology switch"};
  }
  if (options.scenario == "neighbour" && options.jump == Jump::None) {
    throw Error{
        ErrorCode::InvalidArgument,
        "--jump none with --scenario neighbour has no neighbour that is left behind; ask for --scenario continuity"};
  }
  require_range("--blackout", options.blackout, kShortestBlackout);
  require_range("--before", options.before, Time{0});
  require_range("--after", options.after, Time{0});
  require_whole_microseconds("--before", options.before);
  require_whole_microseconds("--after", options.after);
  if (options.jump == Jump::None) require_whole_microseconds("--blackout", options.blackout);
  if (options.wave.empty() && (options.wave_from > Time{0} || options.wave_to)) {
    throw Error{ErrorCode::InvalidArgument, "--wave-from and --wave-to need --wave FILE.fst"};
  }
  if (options.wave_to && *options.wave_to <= options.wave_from) {
    throw Error{ErrorCode::InvalidArgument, "--wave-to: " + format_time(*options.wave_to) +
                                                " does not lie after --wave-from " + format_time(options.wave_from)};
  }
  if (options.isolation == Isolation::Process) {
    require_executable(options.kernel_image);
    if (!options.next_image.empty()) require_executable(options.next_image);
  }
  require_outputs(options);
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
  line << "holdover run --scenario " << options.scenario << " --profile " << options.profile << " --topology "
       << options.topology << " --seed " << options.seed << " --isolation "
       << (options.isolation == Isolation::Process ? "process" : "in-process");
  if (options.jump == Jump::None) line << " --jump none";
  if (options.blackout != defaults.blackout) line << " --blackout " << format_time(options.blackout);
  if (options.before != defaults.before) line << " --before " << format_time(options.before);
  if (options.after != defaults.after) line << " --after " << format_time(options.after);
  for (const std::string& fault : options.faults) line << " --fault " << quoted(fault);
  if (!options.json.empty()) line << " --json " << quoted(options.json.string());
  if (!options.junit.empty()) line << " --junit " << quoted(options.junit.string());
  if (!options.trace.empty()) line << " --trace " << quoted(options.trace.string());
  if (!options.wave.empty()) {
    line << " --wave " << quoted(options.wave.string()) << " --wave-from " << format_time(options.wave_from);
    if (options.wave_to) line << " --wave-to " << format_time(*options.wave_to);
  }
  return line.str();
}

}  // namespace holdover::bench
