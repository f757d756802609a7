// SPDX-License-Identifier: MIT
// What firmware and boot loader leave for the first kernel: the boot-parameter page of a cold boot, payload sizes, and
// the clock and active state power management of links.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "bench/run.h"
#include "pcie/platform.h"
#include "pcie/units.h"

namespace holdover::bench {

inline constexpr PhysicalAddress kColdBootParameters{4096};

// «profile=… scenario=… …», as docs/scenarios.md lists them.
[[nodiscard]] std::string kernel_command_line(const RunOptions& options, const std::vector<std::string>& hazards);
// Throws Error{InvalidArgument} where the command line does not fit into the page.
void write_cold_boot(std::span<std::byte> dram, const std::string& command_line);
// What a kernel finds and keeps: Max_Payload_Size of a root port and all below it is the smallest that one of them
// supports, both ends of a link know that they have a common clock, and what both support of `aspm` (Link Control's
// ASPM Control) is enabled, on every link that is up. Nothing else is left behind: the bus numbers that it took are
// given back.
void set_up_links(pcie::Platform& platform, unsigned aspm);

}  // namespace holdover::bench
