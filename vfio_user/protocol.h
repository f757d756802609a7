// SPDX-License-Identifier: MIT
// The messages of vfio-user as they lie on the wire: the public specification, docs/vfio-user.rst of
// nutanix/libvfio-user (0.9.2), and <linux/vfio.h>, from which the layouts come.
//
// Numbers are in native byte order, as the specification says for two ends of one machine.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace holdover::vfio_user {

static_assert(std::endian::native == std::endian::little, "configuration space passes through messages unchanged");

enum class Command : std::uint16_t {
  Version = 1,
  DmaMap = 2,
  DmaUnmap = 3,
  DeviceGetInfo = 4,
  DeviceGetRegionInfo = 5,
  DeviceGetRegionIoFds = 6,
  DeviceGetIrqInfo = 7,
  DeviceSetIrqs = 8,
  RegionRead = 9,
  RegionWrite = 10,
  DmaRead = 11,   // from the server
  DmaWrite = 12,  // from the server
  DeviceReset = 13,
  DirtyPages = 14,
  RegionWriteMulti = 15,
  DeviceFeature = 16,
  MigDataRead = 17,
  MigDataWrite = 18,
};

struct Header {
  std::uint16_t id = 0;
  std::uint16_t command = 0;
  std::uint32_t size = 0;  // of the whole message
  std::uint32_t flags = 0;
  std::uint32_t error = 0;  // errno, in replies with kFlagError
};
static_assert(sizeof(Header) == 16 && offsetof(Header, size) == 4 && offsetof(Header, error) == 12);

inline constexpr std::uint32_t kFlagTypeMask = 0xf;
inline constexpr std::uint32_t kFlagCommand = 0x0;
inline constexpr std::uint32_t kFlagReply = 0x1;
inline constexpr std::uint32_t kFlagNoReply = 0x10;
inline constexpr std::uint32_t kFlagError = 0x20;

struct VersionHeader {
  std::uint16_t major = 0;
  std::uint16_t minor = 0;
};
static_assert(sizeof(VersionHeader) == 4);

struct DmaMap {
  std::uint32_t argsz = 0;
  std::uint32_t flags = 0;
  std::uint64_t offset = 0;  // in the file whose descriptor came with the message
  std::uint64_t address = 0;
  std::uint64_t size = 0;
};
static_assert(sizeof(DmaMap) == 32 && offsetof(DmaMap, address) == 16);
inline constexpr std::uint32_t kDmaMapRead = 1u << 0;
inline constexpr std::uint32_t kDmaMapWrite = 1u << 1;

struct DmaUnmap {
  std::uint32_t argsz = 0;
  std::uint32_t flags = 0;
  std::uint64_t address = 0;
  std::uint64_t size = 0;
};
static_assert(sizeof(DmaUnmap) == 24 && offsetof(DmaUnmap, address) == 8);
inline constexpr std::uint32_t kDmaUnmapDirtyBitmap = 1u << 0;
inline constexpr std::uint32_t kDmaUnmapAll = 1u << 1;

struct DeviceInfo {
  std::uint32_t argsz = 0;
  std::uint32_t flags = 0;
  std::uint32_t num_regions = 0;
  std::uint32_t num_irqs = 0;
};
static_assert(sizeof(DeviceInfo) == 16);
inline constexpr std::uint32_t kDeviceReset = 1u << 0;
inline constexpr std::uint32_t kDevicePci = 1u << 1;

struct RegionInfo {
  std::uint32_t argsz = 0;
  std::uint32_t flags = 0;
  std::uint32_t index = 0;
  std::uint32_t cap_offset = 0;  // of the first capability, from the begin of this struct
  std::uint64_t size = 0;
  std::uint64_t offset = 0;  // for mmap()
};
static_assert(sizeof(RegionInfo) == 32 && offsetof(RegionInfo, size) == 16);
inline constexpr std::uint32_t kRegionRead = 1u << 0;
inline constexpr std::uint32_t kRegionWrite = 1u << 1;
inline constexpr std::uint32_t kRegionMmap = 1u << 2;
inline constexpr std::uint32_t kRegionCaps = 1u << 3;

// Regions of a PCI device; those from kRegionDeviceSpecific on say by a capability what they are.
inline constexpr std::uint32_t kRegionBar0 = 0;
inline constexpr std::uint32_t kRegionBar5 = 5;
inline constexpr std::uint32_t kRegionRom = 6;
inline constexpr std::uint32_t kRegionConfig = 7;
inline constexpr std::uint32_t kRegionVga = 8;
inline constexpr std::uint32_t kRegionDeviceSpecific = 9;

struct RegionCapability {
  std::uint16_t id = 0;
  std::uint16_t version = 0;
  std::uint32_t next = 0;  // 0: the last
};
static_assert(sizeof(RegionCapability) == 8);
inline constexpr std::uint16_t kRegionCapType = 2;

struct RegionTypeCapability {
  RegionCapability header;
  std::uint32_t type = 0;
  std::uint32_t subtype = 0;
};
static_assert(sizeof(RegionTypeCapability) == 16);

// A region type of a PCI vendor: this bit, and the vendor ID below it.
inline constexpr std::uint32_t kRegionTypePciVendor = 1u << 31;

struct IrqInfo {
  std::uint32_t argsz = 0;
  std::uint32_t flags = 0;
  std::uint32_t index = 0;
  std::uint32_t count = 0;
};
static_assert(sizeof(IrqInfo) == 16);
inline constexpr std::uint32_t kIrqEventfd = 1u << 0;
inline constexpr std::uint32_t kIrqMaskable = 1u << 1;
inline constexpr std::uint32_t kIrqAutomasked = 1u << 2;
inline constexpr std::uint32_t kIrqNoresize = 1u << 3;

inline constexpr std::uint32_t kIrqIntx = 0;
inline constexpr std::uint32_t kIrqMsi = 1;
inline constexpr std::uint32_t kIrqMsix = 2;
inline constexpr std::uint32_t kIrqError = 3;
inline constexpr std::uint32_t kIrqRequest = 4;
inline constexpr std::uint32_t kIrqTypes = 5;

struct IrqSet {
  std::uint32_t argsz = 0;
  std::uint32_t flags = 0;
  std::uint32_t index = 0;
  std::uint32_t start = 0;
  std::uint32_t count = 0;
};
static_assert(sizeof(IrqSet) == 20);
inline constexpr std::uint32_t kIrqDataNone = 1u << 0;
inline constexpr std::uint32_t kIrqDataBool = 1u << 1;
inline constexpr std::uint32_t kIrqDataEventfd = 1u << 2;
inline constexpr std::uint32_t kIrqDataMask = 0x07;
inline constexpr std::uint32_t kIrqActionMask = 1u << 3;
inline constexpr std::uint32_t kIrqActionUnmask = 1u << 4;
inline constexpr std::uint32_t kIrqActionTrigger = 1u << 5;
inline constexpr std::uint32_t kIrqActions = 0x38;

struct RegionAccess {
  std::uint64_t offset = 0;
  std::uint32_t region = 0;
  std::uint32_t count = 0;
};
static_assert(sizeof(RegionAccess) == 16);

struct DmaAccess {
  std::uint64_t address = 0;
  std::uint64_t count = 0;
};
static_assert(sizeof(DmaAccess) == 16);

// ---- The region of a Holdover endpoint that tells its time -------------------------------------------------------

// Read-only, little-endian, any naturally aligned 4 or 8 bytes.
struct ClockRegion {
  std::uint64_t magic = 0;        // kClockMagic
  std::uint64_t picoseconds = 0;  // simulated time of the machine
  std::uint32_t function = 0;     // requester ID by which the function is reached in its machine
  std::uint32_t reserved = 0;
};
static_assert(sizeof(ClockRegion) == 24);
inline constexpr std::uint64_t kClockMagic = 0x4B43'4F4C'4344'4C48;  // «HLDCLOCK»
inline constexpr std::uint32_t kRegionTypeHoldover = kRegionTypePciVendor | 0x1172;
inline constexpr std::uint32_t kRegionSubtypeClock = 1;

// ---- Limits ------------------------------------------------------------------------------------------------------

// What a peer must take where it says nothing else.
inline constexpr std::uint32_t kDefaultMaxDescriptors = 1;
inline constexpr std::uint64_t kDefaultMaxTransfer = 1 << 20;
inline constexpr std::uint64_t kDefaultMaxMappings = 65535;
inline constexpr std::uint64_t kPageBytes = 4096;

}  // namespace holdover::vfio_user
