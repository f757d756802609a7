// SPDX-License-Identifier: MIT
// QEMU's trace of configuration writes, lines «pci_cfg_write DEV BDF @0xOFF <- 0xVALUE»: what the root port above the
// device received. The trace knows neither phases nor widths; where the phases lie is told by the writes themselves.
#pragma once

#include <iosfwd>
#include <string>

#include "bench/compare/register_write.h"

namespace holdover::bench {

struct PortTrace {
  PhasedWrites writes;               // of the first root port
  std::uint16_t bridge_control = 0;  // as firmware left it
};

// `name` is what sentences call the trace. Throws Error{InvalidArgument} for lines
// that are cut off, and where the trace has no root port, no endpoint or no kexec.
[[nodiscard]] PortTrace read_port_trace(std::istream& in, const std::string& name);

}  // namespace holdover::bench
