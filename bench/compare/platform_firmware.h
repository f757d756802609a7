// SPDX-License-Identifier: MIT
// What a PC's firmware does to PCI before the first kernel: bus numbers, windows, BARs, decode on. A kernel keeps all
// of it.
#pragma once

#include <cstdint>

#include "pcie/platform.h"

namespace holdover::bench {

struct FirmwareSettings {
  std::uint16_t command = 0;         // COMMAND of the root port and of the endpoint
  std::uint16_t bridge_control = 0;  // of the root port
};

// Configures the root port at `port` and the one endpoint below it.
// Throws Error{InvalidArgument} where the endpoint's BARs do not fit into the platform's windows.
void configure_platform(pcie::Platform& platform, pcie::Bdf port, const FirmwareSettings& settings);

}  // namespace holdover::bench
