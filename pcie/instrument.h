// SPDX-License-Identifier: MIT
// What the write-only instrumentation port can say about where the host is.
#pragma once

#include <cstdint>
#include <string_view>

namespace holdover::pcie {

// In the order in which a live update passes them. Kernel A: Boot to Shutdown. Nobody: Blackout. Kernel B: the rest.
enum class Phase : std::uint8_t {
  Boot,       // kernel A: memory, enumeration, binding
  Setup,      // agent, stage 1: open, map, start traffic
  Steady,     // traffic runs, nothing else happens
  Preserve,   // session and preserve_fd
  Freeze,     // inside reboot(KEXEC): freeze callbacks, FLB serialization
  Shutdown,   // device_shutdown, interrupt controllers and IOMMU hook
  Blackout,   // no processor runs
  EarlyBoot,  // kernel B: KHO, IOMMU, LUO
  Enumerate,  // kernel B: PCI scan and resources
  Bind,       // kernel B: drivers bind
  Retrieve,   // agent, stage 2: retrieve session and files, resume
  Finish,     // finish of the session
  After,      // traffic runs under kernel B, then stops
  Halt,       // stage 2 is over
};
inline constexpr unsigned kPhaseCount = 14;

// What happened inside the phase. `value` in parentheses.
enum class Step : std::uint8_t {
  Begin,              // the phase begins
  FunctionFound,      // enumeration found a function (requester ID)
  FunctionPreserved,  // a function was recorded for the update (requester ID)
  FunctionRetrieved,  // the agent retrieved a function (requester ID)
  FunctionFinished,   // a function stopped being incoming (requester ID)
  WindowBegin,        // the first preserve succeeded: the judged window opens
  WindowEnd,          // the last finish succeeded: the judged window closes
  KexecRefused,       // reboot(KEXEC) returned (errno)
  NoHandover,         // stage 2 found no session to retrieve (errno)
  AgentFailed,        // the agent gave up (errno, 0 where there is none)
  Panic,              // fail stop of the kernel
  MissedMessages,     // interrupts that a driver saw too few of (count); driver's own opinion
  TrafficStarted,     // stage 1: every stream runs (streams)
  TrafficStopped,     // stage 2: every stream stopped (streams)
};

[[nodiscard]] std::string_view to_string(Phase phase);
[[nodiscard]] std::string_view to_string(Step step);

}  // namespace holdover::pcie
