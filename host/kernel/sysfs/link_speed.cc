// SPDX-License-Identifier: MIT
#include "host/kernel/sysfs/link_speed.h"

#include <array>
#include <bit>

#include "pcie/config_space.h"

namespace holdover::host::kernel::sysfs {

std::string speed_name(unsigned code) {
  static constexpr std::array kNames{"Unknown",        "2.5 GT/s PCIe",  "5.0 GT/s PCIe", "8.0 GT/s PCIe",
                                     "16.0 GT/s PCIe", "32.0 GT/s PCIe", "64.0 GT/s PCIe"};
  return kNames[code < kNames.size() ? code : 0];
}

unsigned fastest_speed(const PciDevice& device) {
  using namespace pcie::config;
  const std::uint32_t supported = device.config.read32(device.express + kExpressLinkCapabilities2);
  // Bits 7:1, the slowest first. Functions older than the register have 0 there.
  if (supported != 0) return static_cast<unsigned>(std::bit_width((supported & 0xfe) >> 1));
  const unsigned code = device.config.read32(device.express + kExpressLinkCapabilities) & kLinkCapabilitiesSpeed;
  return code <= 2 ? code : 0;
}

}  // namespace holdover::host::kernel::sysfs
