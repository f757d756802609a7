// SPDX-License-Identifier: MIT
// The continuity scenario around a kexec that is none of ours, in two halves that share nothing but a file.
#pragma once

#include <deque>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "bench/field/field_report.h"
#include "host/system.h"

namespace holdover::bench {

struct FieldOptions {
  std::string target;  // «vfio:0000:01:00.0», for the report
  std::filesystem::path state;
  std::filesystem::path json;   // empty: none
  std::filesystem::path junit;  // empty: none
  std::string boot_id;          // of the running kernel; empty: a server's device, and no kernel goes
  std::optional<Time> silence_limit;
  Time heartbeat{1'000'000'000};  // 1 ms
  Time before{5'000'000'000'000};
  Time after{2'000'000'000'000};
  Time completion_timeout{10'000'000'000};
  std::uint64_t seed = 1;
  std::string bulk;            // empty: one channel each way
  std::uint32_t transfer = 0;  // 0: a mixture
  bool interrupts_off = true;  // the agent switches MSI-X off for the freeze
  bool jump = true;            // false: the control, nothing is replaced

  // For the report.
  const std::deque<std::string>* console = nullptr;  // what the system printed; outlives the run
  std::string version;
  std::string commit;
  std::string command;
};

// Throws Error{InvalidArgument} or Error{Unavailable} with a sentence that names the option. Touches nothing.
void validate(const FieldOptions& options);
// What System::parameter() of stage 1 has to find. Stage 2 finds the same in the state.
[[nodiscard]] std::string parameters(const FieldOptions& options);
// The memory that the scenario maps for the device, at most.
[[nodiscard]] Bytes memory_of(const FieldOptions& options);

// Writes the state and asks for the kexec. Returns, with what can be said then, where nothing was replaced: the
// control, a refused kexec, an agent that gave up. Throws Error{Unavailable} where the endpoint could not be opened.
[[nodiscard]] FieldReport run_before_kexec(host::System& system, const FieldOptions& options);
// `state`: what the other half left; it is marked as judged before anything else is done. Writes the files that the
// options name. Throws as require_unjudged() does.
[[nodiscard]] FieldReport run_after_kexec(host::System& system, const FieldOptions& options, const FieldState& state);

}  // namespace holdover::bench
