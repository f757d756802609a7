// SPDX-License-Identifier: MIT
// What an LTR message says (PCIe 5.0, 6.18): the latency that a device tolerates, for requests that are snooped and for
// those that are not.
#pragma once

#include <cstdint>

#include "pcie/tlp.h"

namespace holdover::sim {

// As in the message: bit 15 Requirement, bits 12:10 scale (32 to its power, in nanoseconds), bits 9:0 value. 0: there
// is no requirement.
struct LatencyTolerance {
  std::uint16_t snoop = 0;
  std::uint16_t no_snoop = 0;

  friend bool operator==(const LatencyTolerance&, const LatencyTolerance&) = default;
};

[[nodiscard]] bool is_latency_message(const pcie::Tlp& tlp);
[[nodiscard]] LatencyTolerance latency_of(const pcie::Tlp& message);
[[nodiscard]] pcie::Tlp latency_message(pcie::RequesterId requester, const LatencyTolerance& tolerance);
// The smaller of the two in each half; no requirement is larger than any.
[[nodiscard]] LatencyTolerance smaller_of(const LatencyTolerance& one, const LatencyTolerance& other);

}  // namespace holdover::sim
