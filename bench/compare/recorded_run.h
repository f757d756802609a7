// SPDX-License-Identifier: MIT
// What a log says about the run that it was recorded in: which writes belong to which phase, what the device was like,
// and what stood around it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bench/compare/config_log.h"
#include "bench/compare/register_write.h"
#include "sim/witness.h"

namespace holdover::bench {

struct RecordedRun {
  PhasedWrites writes;
  bool has_boot = false;  // the log goes back to the first kernel's enumeration

  sim::EndpointConfig endpoint;        // straps that make the emulated endpoint look like the device
  std::vector<std::string> unlike;     // what no strap can imitate or the log leaves open, a sentence each
  bool driver_bound = false;           // at the kexec
  bool idle_sleep = false;             // the function was put to D3hot
  bool crash = false;                  // the log calls it one
  std::uint16_t firmware_command = 0;  // COMMAND as the first kernel found it
  std::uint16_t user_command = 0;      // as user space left it before the kexec
  std::string profile;                 // of the kernels
  std::string profile_reason;
};

// A write of COMMAND that inverts INTx Disable and nothing else: with it enumeration of a function begins
// (pci_intx_mask_broken()).
[[nodiscard]] bool probes_intx(const LoggedWrite& write);

// `name` is what sentences call the log. Throws Error{InvalidArgument} where the log shows no kexec with an enumeration
// after it.
[[nodiscard]] RecordedRun understand(const ConfigLog& log, const std::string& name);

}  // namespace holdover::bench
