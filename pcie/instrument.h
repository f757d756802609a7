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

  // What the live update holds, for the invariants that the bench checks at every step. They belong to whatever phase
  // passes (in_any_phase()). FLBs are numbered in the order in which the kernel came to know them.
  // Tables start on a page; the bits below it are the number of the layout.
  OutgoingTable,        // the PCI core's table for the next kernel is there (physical address | layout), or gone (0)
  IncomingTable,        // that of the kernel before was taken over (physical address | layout), or is about to go (0)
  FunctionUnpreserved,  // a function is recorded no longer (requester ID)
  FunctionIncoming,     // the scan found a function in the incoming table (requester ID)
  FlbPreserved,         // the outgoing object of an FLB is there (FLB)
  FlbUnpreserved,       // it is gone (FLB)
  FlbRetrieved,         // the incoming object of an FLB is there (FLB)
  FlbFinished,          // it is finished (FLB)
  SessionCreated,       // an outgoing session was created (outgoing sessions)
  SessionClosed,        // a session was closed and forgotten (outgoing sessions)
  FilePreserved,        // a file is preserved (bit n: FLB n depends on it)
  FileUnpreserved,      // it is preserved no longer (bit n: FLB n depended on it)
  FileFrozen,           // the freeze of a file succeeded
  FileUnfrozen,         // and was undone
  FreezeSucceeded,      // every session is frozen and serialized (files)
  FreezeFailed,         // the freeze ended without success (errno)
  SessionRetrieved,     // an incoming session was retrieved (its files)
  FileRestored,         // the handler's retrieve returned (session << 48 | token, 32 bits, << 16 | errno)
  FileRetrieved,        // the verb that retrieves a file returned (as FileRestored)
  FileFinished,         // a file was finished
  SessionFinished,      // the finish of a session succeeded (files that it had)
  FinishRefused,        // the finish of a session was refused (errno)
};
inline constexpr unsigned kStepCount = 36;

// Steps that do not tell where the host is: the phase they are marked with says nothing.
[[nodiscard]] constexpr bool in_any_phase(Step step) { return step > Step::TrafficStopped; }

[[nodiscard]] std::string_view to_string(Phase phase);
[[nodiscard]] std::string_view to_string(Step step);

}  // namespace holdover::pcie
