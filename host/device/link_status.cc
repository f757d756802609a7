// SPDX-License-Identifier: MIT
#include "host/device/link_status.h"

#include "pcie/capability.h"
#include "pcie/config_space.h"

namespace holdover::host {

std::chrono::nanoseconds LinkStatus::time_of(Bytes bytes) const {
  // Megabytes per second and lane: 8b/10b doubles from 250, 128b/130b from 984 (PCIe 5.0, 4.2.1 and 4.2.2).
  const std::uint64_t lane =
      generation < 3 ? std::uint64_t{250} << (generation - 1) : std::uint64_t{984} << (generation - 3);
  return std::chrono::nanoseconds(bytes.count() * 1000 / (lane * lanes) + 1);
}

std::optional<LinkStatus> link_status(Device& device) {
  const pcie::ConfigReader read = [&](unsigned offset) { return device.config_read(Bytes{offset}, 4); };
  const std::optional<unsigned> express = pcie::find_capability(read, pcie::config::kCapExpress);
  if (!express) {
    return std::nullopt;
  }
  const std::uint32_t status = device.config_read(Bytes{*express + pcie::config::kExpressLinkStatus}, 2);
  const LinkStatus link{status & 0xfu, (status >> 4) & 0x3fu};
  if (link.generation == 0 || link.generation > 6 || link.lanes == 0 || link.lanes > 32) {
    return std::nullopt;
  }
  return link;
}

}  // namespace holdover::host
