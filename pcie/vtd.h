// SPDX-License-Identifier: MIT
// Registers and entry formats of the IOMMU that a kernel and a machine both speak (Intel VT-d specification, legacy
// mode; chapters «Register Descriptions» and «Translation Structure Formats»). docs/architecture.md 8.2 says which part
// of it exists here.
#pragma once

#include <cstdint>

namespace holdover::pcie::vtd {

// Register offsets in bytes.
inline constexpr unsigned kVersion = 0x00;
inline constexpr unsigned kCapability = 0x08;
inline constexpr unsigned kExtendedCapability = 0x10;
inline constexpr unsigned kGlobalCommand = 0x18;
inline constexpr unsigned kGlobalStatus = 0x1c;
inline constexpr unsigned kRootTableAddress = 0x20;
inline constexpr unsigned kContextCommand = 0x28;
inline constexpr unsigned kFaultStatus = 0x34;
inline constexpr unsigned kRemapTableAddress = 0xb8;

// Global Command and Global Status.
inline constexpr std::uint32_t kTranslationEnable = 1u << 31;
inline constexpr std::uint32_t kSetRootTable = 1u << 30;
inline constexpr std::uint32_t kRemappingEnable = 1u << 25;
inline constexpr std::uint32_t kSetRemapTable = 1u << 24;
inline constexpr std::uint32_t kCompatibilityMessages = 1u << 23;

// Context Command and IOTLB Invalidate: the top bit starts an invalidation and reads 1 until it is done.
inline constexpr std::uint64_t kInvalidate = std::uint64_t{1} << 63;

// Root and context tables: 256 entries of two 64-bit words, the low one with this bit.
inline constexpr std::uint64_t kPresent = 1;
// Context entry, high word: address width of a four-level table, and where the domain number begins.
inline constexpr std::uint64_t kContextFourLevels = 2;
inline constexpr unsigned kContextDomainShift = 8;

}  // namespace holdover::pcie::vtd
