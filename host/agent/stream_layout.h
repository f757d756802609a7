// SPDX-License-Identifier: MIT
// Where the streams of one endpoint lie in its memory objects: rings, buffers at odd addresses and of odd lengths,
// heartbeat ring and table. The same numbers for every endpoint; only the seeds differ.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "host/driver/driver_state.h"
#include "pcie/units.h"

namespace holdover::host {

// Regions of the driver, in this order.
inline constexpr unsigned kRegionRings = 0;
inline constexpr unsigned kRegionData = 1;
inline constexpr unsigned kRegionHeartbeat = 2;

inline constexpr unsigned kChannelToHost = 0;
inline constexpr unsigned kChannelToCard = 1;
inline constexpr std::array<unsigned, 2> kChannels{kChannelToHost, kChannelToCard};
inline constexpr unsigned kVectorToHost = 0;
inline constexpr unsigned kVectorToCard = 1;
inline constexpr unsigned kVectorHeartbeat = 4;
inline constexpr unsigned kVectorCount = 5;
inline constexpr unsigned kCompletionsPerInterrupt = 16;

inline constexpr unsigned kWriterPeriod = 500;  // clocks
inline constexpr unsigned kWriterRecords = 256;
inline constexpr unsigned kRecordsPerInterrupt = 16;
inline constexpr unsigned kReaderPeriod = 700;  // clocks
inline constexpr unsigned kReaderCells = 128;

inline constexpr unsigned kDescriptors = 12;

// One page for each ring: the endpoint may write completion rings, but no descriptor.
inline constexpr Bytes kRingsBytes = kPageSize * 4;
[[nodiscard]] constexpr DmaPlace descriptor_ring_place(unsigned channel) {
  return {kRegionRings, static_cast<std::uint32_t>(channel * kPageSize.count())};
}
[[nodiscard]] constexpr DmaPlace completion_ring_place(unsigned channel) {
  return {kRegionRings, static_cast<std::uint32_t>((2 + channel) * kPageSize.count())};
}

// Writer ring first (two pages), reader table behind it (one page).
inline constexpr Bytes kHeartbeatBytes = kPageSize * 3;
inline constexpr DmaPlace kWriterRing{kRegionHeartbeat, 0};
inline constexpr DmaPlace kReaderTable{kRegionHeartbeat, 2 * 4096};

struct Buffer {
  DmaPlace place;
  std::uint32_t length = 0;
  std::uint64_t stream_offset = 0;  // of its first byte in the channel's pattern
};

// Each channel's buffers lie in pages of their own.
inline constexpr Bytes kDataBytesPerChannel = kPageSize * 16;
inline constexpr Bytes kDataBytes = kDataBytesPerChannel * 2;
[[nodiscard]] std::vector<Buffer> buffers(unsigned channel);

// Part of a memory object with one permission.
struct Mapping {
  Bytes offset;
  Bytes size;
  bool device_writes = false;
};
[[nodiscard]] std::vector<Mapping> mappings(unsigned region);

// Seed of a stream's pattern; streams of one run never share one.
[[nodiscard]] std::uint32_t stream_seed(std::uint64_t run_seed, unsigned endpoint, unsigned stream);

}  // namespace holdover::host
