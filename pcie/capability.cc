// SPDX-License-Identifier: MIT
#include "pcie/capability.h"

#include "pcie/config_space.h"

namespace holdover::pcie {
namespace {

// A list cannot have more members than fit; a longer walk means a cycle.
constexpr unsigned kMostCapabilities = 48;
constexpr unsigned kMostExtendedCapabilities = 480;

}  // namespace

std::optional<unsigned> find_capability(const ConfigReader& read, std::uint8_t id) {
  if (((read(config::kCommand) >> 16) & config::kStatusCapabilityList) == 0) return std::nullopt;
  unsigned offset = read(config::kCapabilityPointer) & 0xfc;
  for (unsigned steps = 0; offset >= 0x40 && steps < kMostCapabilities; ++steps) {
    const std::uint32_t header = read(offset);
    if ((header & 0xff) == id) return offset;
    offset = (header >> 8) & 0xfc;
  }
  return std::nullopt;
}

std::optional<unsigned> find_extended_capability(const ConfigReader& read, std::uint16_t id) {
  unsigned offset = 0x100;
  for (unsigned steps = 0; offset >= 0x100 && steps < kMostExtendedCapabilities; ++steps) {
    const std::uint32_t header = read(offset);
    if (header == 0 || header == 0xffff'ffff) return std::nullopt;
    if ((header & 0xffff) == id) return offset;
    offset = (header >> 20) & 0xffc;
  }
  return std::nullopt;
}

}  // namespace holdover::pcie
