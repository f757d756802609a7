// SPDX-License-Identifier: MIT
// The link above a function, as it was negotiated.
#pragma once

#include <chrono>
#include <optional>

#include "host/device/device.h"

namespace holdover::host {

// Current Link Speed and Negotiated Link Width (PCIe 5.0, 7.5.3.8).
struct LinkStatus {
  unsigned generation = 0;  // 1: 2.5 GT/s
  unsigned lanes = 0;

  // What so many bytes take after line coding, one way, with nothing else on the link.
  [[nodiscard]] std::chrono::nanoseconds time_of(Bytes bytes) const;
};

// Nothing where the function has no link, or does not answer.
[[nodiscard]] std::optional<LinkStatus> link_status(Device& device);

}  // namespace holdover::host
