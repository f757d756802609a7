// SPDX-License-Identifier: MIT
// What endpoint and driver share in host memory: descriptors, completion records, heartbeat records.
// Little endian. rtl/ep_pkg.sv holds the same layouts; docs/registers.md explains them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace holdover::host {

struct DmaDescriptor {
  std::uint64_t host_address;  // IOVA of the first byte, any alignment
  std::uint64_t card_address;  // in card memory, modulo its size, or byte offset in the pattern stream
  std::uint32_t length;        // bytes, 1..2^24; anything else ends the descriptor with BadDescriptor
  std::uint32_t flags;         // kDescriptorInterrupt
  std::uint32_t cookie;        // comes back in the completion record
  std::uint32_t reserved;      // 0
};
static_assert(sizeof(DmaDescriptor) == 32);

inline constexpr std::uint32_t kDescriptorInterrupt = 1;  // announce this completion at once, whatever the moderation

enum class DmaStatus : std::uint8_t {
  Ok = 0,
  UnsupportedRequest = 1,
  CompleterAbort = 2,
  Poisoned = 3,
  Timeout = 4,
  Reset = 5,
  BadDescriptor = 6,
};

// Record n (counting finished descriptors from 0) of a channel goes to slot n modulo RING_ENTRIES.
struct DmaCompletion {
  std::uint32_t sequence;  // n modulo 2^32
  std::uint32_t status;    // bits 7:0 DmaStatus, 11:8 channel, 31 phase: 1 in the ring's first lap, then alternating
  std::uint32_t length;    // bytes moved
  std::uint32_t cookie;
};
static_assert(sizeof(DmaCompletion) == 16);
inline constexpr std::uint32_t kCompletionPhase = 0x8000'0000;

// The pattern's lap is the number of times the channel's descriptor ring has wrapped since RESET. The generator uses
// it; the checker compares with lap 0, because host memory stays as the driver filled it.

struct HeartbeatRecord {
  std::uint64_t sequence;  // from 0, counts missed records too
  std::uint64_t time;      // user clocks since fundamental reset, at the deadline
  std::uint32_t missed;    // MISSED at that time
  std::uint32_t period;    // PERIOD
  std::uint64_t check;     // bitwise complement of sequence ^ time
};
static_assert(sizeof(HeartbeatRecord) == 32);

}  // namespace holdover::host
