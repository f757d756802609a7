// SPDX-License-Identifier: MIT
// What the endpoint's driver hands to the driver of the next kernel: one versioned struct in preserved memory.
//
// Contract between driver versions: fields are only ever added at the end of DriverState, and kDriverStateVersion
// changes with any change of meaning. Little endian, no pointers: memory is named by region index and offset.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace holdover::host {

inline constexpr std::uint64_t kDriverStateMagic = 0x5652'4444'4C4F'4801;  // «\1HOLDDRV»
inline constexpr std::uint32_t kDriverStateVersion = 1;
inline constexpr unsigned kMaxRegions = 8;
inline constexpr unsigned kMaxChannels = 8;

// One memory object that the endpoint reaches, in the order in which the driver was given them.
struct RegionState {
  std::uint64_t iova;
  std::uint64_t bytes;  // 0: unused entry
};
static_assert(sizeof(RegionState) == 16);

// Where something lies: in which region, at which byte.
struct DmaPlace {
  std::uint32_t region;
  std::uint32_t offset;
};

struct ChannelState {
  std::uint32_t control;  // CONTROL as programmed, without RUN and RESET
  std::uint32_t running;  // 1: RUN was set
  std::uint32_t entries;  // 0: the channel was never configured
  std::uint32_t seed;
  std::uint32_t vector;
  std::uint32_t moderation;  // MODERATION
  DmaPlace descriptors;
  DmaPlace completions;
  std::uint64_t tail;   // descriptors made ready since the channel was configured
  std::uint64_t taken;  // completion records taken since then
};
static_assert(sizeof(ChannelState) == 56);

struct HeartbeatState {
  std::uint32_t running;
  std::uint32_t entries;  // 0: never configured
  DmaPlace ring;
  std::uint32_t period;           // clocks
  std::uint32_t vector;           // writer
  std::uint32_t interrupt_every;  // writer; 0: no interrupts
  std::uint32_t seed;             // reader
};
static_assert(sizeof(HeartbeatState) == 32);

struct DriverState {
  std::uint64_t magic;
  std::uint32_t version;
  std::uint32_t bytes;         // sizeof(DriverState) of the writer
  std::uint64_t checksum;      // FNV-1a of all `bytes` bytes with this field 0
  std::uint32_t register_map;  // VERSION of the endpoint's register map
  std::uint32_t vectors;       // interrupt vectors in use, 0..vectors-1
  std::array<RegionState, kMaxRegions> regions;
  std::array<ChannelState, kMaxChannels> channels;
  HeartbeatState writer;
  HeartbeatState reader;
};
static_assert(sizeof(DriverState) == 32 + 8 * 16 + 8 * 56 + 2 * 32);

// Writes `state` to the start of `memory` with magic, version, size and checksum filled in.
void write_driver_state(std::span<std::byte> memory, DriverState state);
// Throws Error{Corrupt} that names the field: magic, version, size, checksum, or a place outside of its region.
[[nodiscard]] DriverState read_driver_state(std::span<const std::byte> memory);

// FNV-1a, 64 bits.
[[nodiscard]] std::uint64_t checksum64(std::span<const std::byte> bytes);

}  // namespace holdover::host
