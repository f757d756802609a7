// SPDX-License-Identifier: MIT
#include "bench/compare/compare_trace.h"

#include <algorithm>
#include <fstream>

#include "bench/compare/config_log.h"
#include "bench/compare/emulated_kernels.h"
#include "bench/compare/port_trace.h"
#include "bench/compare/recorded_run.h"
#include "pcie/error.h"

namespace holdover::bench {
namespace {

std::ifstream open(const std::filesystem::path& path) {
  std::error_code ignored;
  std::ifstream file(path, std::ios::binary);
  if (file && !std::filesystem::is_directory(path, ignored)) return file;
  throw Error(ErrorCode::Unavailable, path.string() + " cannot be read; name a file that can");
}

RecordedRun read_log(const std::filesystem::path& path) {
  std::ifstream file = open(path);
  return understand(read_config_log(file, path.string()), path.string());
}

std::optional<PortTrace> read_port(const std::filesystem::path& path) {
  if (path.empty()) return std::nullopt;
  std::ifstream file = open(path);
  return read_port_trace(file, path.string());
}

}  // namespace

Comparison compare_trace(const CompareOptions& options, const MachineFactory& factory) {
  const RecordedRun recorded = read_log(options.log);
  const std::optional<PortTrace> port = read_port(options.port_trace);
  Comparison comparison;
  comparison.log = options.log.string();
  comparison.profile = options.profile.empty() ? recorded.profile : options.profile;
  if (options.profile.empty()) comparison.profile_reason = recorded.profile_reason;
  comparison.driver_bound = recorded.driver_bound;
  comparison.crash = options.crash.value_or(recorded.crash);
  comparison.notes = recorded.unlike;
  if (comparison.profile.empty()) {
    throw Error(ErrorCode::InvalidArgument, comparison.log +
                                                " does not tell which kernel it is, because decode was off "
                                                "when it sized BARs; say so with --profile");
  }

  EmulatedKernels kernels;
  kernels.endpoint = recorded.endpoint;
  kernels.profile = comparison.profile;
  kernels.driver_bound = comparison.driver_bound;
  kernels.idle_sleep = recorded.idle_sleep;
  kernels.crash = comparison.crash;
  kernels.firmware = {recorded.firmware_command, port ? port->bridge_control : std::uint16_t{0}};
  kernels.user_command = recorded.user_command;
  const EmulatedWrites emulated = run_kernels(kernels, factory);

  for (const ComparedRole role : {ComparedRole::Endpoint, ComparedRole::RootPort}) {
    if (role == ComparedRole::RootPort && !port) continue;
    for (const ComparedPhase phase : kComparedPhases) {
      if (std::find(options.phases.begin(), options.phases.end(), phase) == options.phases.end()) continue;
      if (phase == ComparedPhase::Boot && !recorded.has_boot) {
        comparison.notes.emplace_back(
            "the log does not go back to the first kernel's enumeration: boot is not compared");
        continue;
      }
      const auto index = static_cast<std::size_t>(phase);
      const bool endpoint = role == ComparedRole::Endpoint;
      comparison.parts.push_back(compare(role, phase, endpoint ? recorded.writes[index] : port->writes[index],
                                         endpoint ? emulated.endpoint[index] : emulated.port[index], options.accept));
    }
  }
  return comparison;
}

int exit_code(const Comparison& comparison) { return comparison.differences() == 0 ? 0 : 1; }

}  // namespace holdover::bench
