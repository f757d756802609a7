// SPDX-License-Identifier: MIT
// Where the capabilities of a port stand in its configuration space, and bits that have an effect.
#pragma once

#include <cstdint>

namespace holdover::sim::bridge_layout {

inline constexpr unsigned kPm = 0x40;
inline constexpr unsigned kMsi = 0x50;
inline constexpr unsigned kExpress = 0x70;
inline constexpr unsigned kSubsystem = 0xb0;
inline constexpr unsigned kAer = 0x100;
inline constexpr unsigned kAcs = 0x150;
inline constexpr unsigned kDpc = 0x180;

inline constexpr std::uint16_t kLinkControlDisable = 1u << 4;
inline constexpr std::uint16_t kLinkControlRetrain = 1u << 5;
inline constexpr std::uint16_t kLinkStatusBandwidthManagement = 1u << 14;

}  // namespace holdover::sim::bridge_layout
