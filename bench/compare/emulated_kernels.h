// SPDX-License-Identifier: MIT
// Two emulated kernels with a plain kexec between them, on a machine whose endpoint looks like a recorded device: what
// they write into configuration space.
#pragma once

#include <cstdint>
#include <string>

#include "bench/compare/platform_firmware.h"
#include "bench/compare/register_write.h"
#include "bench/run.h"
#include "sim/witness.h"

namespace holdover::bench {

struct EmulatedKernels {
  sim::EndpointConfig endpoint;
  std::string profile;
  bool driver_bound = false;
  bool idle_sleep = false;  // functions that nobody has open go to D3hot
  bool crash = false;
  FirmwareSettings firmware;
  std::uint16_t user_command = 0;  // COMMAND as user space leaves it before the kexec
};

struct EmulatedWrites {
  PhasedWrites endpoint;
  PhasedWrites port;  // the root port above it
};

// Throws Error{InvalidArgument} for an unknown profile, Error{Unavailable} where a kernel panics.
[[nodiscard]] EmulatedWrites run_kernels(const EmulatedKernels& kernels, const MachineFactory& factory);

}  // namespace holdover::bench
