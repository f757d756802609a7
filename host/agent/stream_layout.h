// SPDX-License-Identifier: MIT
// Which streams an endpoint has, and where they lie in its memory objects: rings, buffers at odd addresses, heartbeat
// ring and table. The same numbers for every endpoint of a run; only the seeds differ.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "host/device/link_status.h"
#include "host/driver/driver_state.h"
#include "host/system.h"
#include "pcie/units.h"

namespace holdover::host {

// Regions of the driver, in this order.
inline constexpr unsigned kRegionRings = 0;
inline constexpr unsigned kRegionData = 1;
inline constexpr unsigned kRegionHeartbeat = 2;

// Channels interrupt on the vector of their number.
inline constexpr unsigned kVectorHeartbeat = kMaxChannels;
inline constexpr unsigned kVectorCount = kMaxChannels + 1;

inline constexpr unsigned kWriterRecords = 256;  // unless the command line asks for more
inline constexpr unsigned kRecordsPerInterrupt = 16;
inline constexpr unsigned kReaderCells = 128;

inline constexpr unsigned kDescriptors = 12;

inline constexpr DmaPlace kWriterRing{kRegionHeartbeat, 0};

struct Buffer {
  DmaPlace place;
  std::uint32_t length = 0;
  std::uint64_t stream_offset = 0;  // of its first byte in the channel's pattern
};

// Part of a memory object with one permission.
struct Mapping {
  Bytes offset;
  Bytes size;
  bool device_writes = false;
};

// What the kernel's command line asks for, as far as an endpoint has channels for it.
struct Traffic {
  std::vector<bool> to_host;   // of each bulk channel, from channel 0 on
  std::uint32_t transfer = 0;  // bytes of every descriptor; 0: a mixture of lengths
  std::chrono::nanoseconds heartbeat{2000};
  std::chrono::nanoseconds completion_timeout{200'000};
  unsigned writer_records = kWriterRecords;       // in the heartbeat's ring
  std::optional<LinkStatus> link = std::nullopt;  // of the endpoint, where it is known
};
// Parameters bulk=c2h,h2c,… (empty: one channel each way, or to the host where there is only one), transfer=,
// heartbeat_ns=, heartbeat_records=,
// completion_timeout_ns=. Throws Error{InvalidArgument} that names the parameter, and where it asks for
// more channels than `channels`.
[[nodiscard]] Traffic traffic_of(System& system, unsigned channels);

class StreamLayout {
 public:
  explicit StreamLayout(const Traffic& traffic);

  [[nodiscard]] unsigned channels() const { return static_cast<unsigned>(to_host_.size()); }
  [[nodiscard]] bool to_host(unsigned channel) const { return to_host_[channel]; }
  // One page for each ring: the endpoint may write completion rings, but no descriptor.
  [[nodiscard]] Bytes rings_bytes() const { return kPageSize * (std::uint64_t{2} * channels()); }
  [[nodiscard]] DmaPlace descriptor_ring_place(unsigned channel) const;
  [[nodiscard]] DmaPlace completion_ring_place(unsigned channel) const;
  // Each channel's buffers lie in pages of their own.
  [[nodiscard]] Bytes data_bytes_per_channel() const { return per_channel_; }
  [[nodiscard]] Bytes data_bytes() const { return per_channel_ * channels(); }
  [[nodiscard]] std::vector<Buffer> buffers(unsigned channel) const;
  // Writer ring first, the reader's table in the page behind it.
  [[nodiscard]] Bytes heartbeat_bytes() const { return writer_ring_bytes() + kPageSize; }
  [[nodiscard]] unsigned writer_records() const { return writer_records_; }
  [[nodiscard]] DmaPlace reader_table() const {
    return {kRegionHeartbeat, static_cast<std::uint32_t>(writer_ring_bytes().count())};
  }
  [[nodiscard]] std::vector<Mapping> mappings(unsigned region) const;
  // So that a vector is heard several times while the agent listens, however long a transfer takes.
  [[nodiscard]] unsigned completions_per_interrupt() const;
  // Long enough, most times, for every stream to move something.
  [[nodiscard]] std::chrono::nanoseconds settling_time() const;
  // No sound stream takes longer to finish what it has in hand, or to move something: a machine may keep a read waiting
  // until just before it is given up, a stream with it, and other endpoints share the links.
  [[nodiscard]] std::chrono::nanoseconds patience() const;
  // Nor to interrupt again.
  [[nodiscard]] std::chrono::nanoseconds interrupt_patience() const;

 private:
  [[nodiscard]] Bytes writer_ring_bytes() const;
  [[nodiscard]] std::uint32_t length(unsigned slot) const;
  // Of the longest transfers, one on each channel.
  [[nodiscard]] std::uint64_t round_bytes() const;
  [[nodiscard]] std::uint64_t bytes_per_interrupt() const;
  [[nodiscard]] std::chrono::nanoseconds shared_time(std::uint64_t bytes) const;

  std::vector<bool> to_host_;
  std::uint32_t transfer_;
  std::chrono::nanoseconds heartbeat_;
  std::chrono::nanoseconds completion_timeout_;
  unsigned writer_records_;
  std::optional<LinkStatus> link_;
  Bytes per_channel_;
};

// Seed of a stream's pattern; streams of one run never share one.
[[nodiscard]] std::uint32_t stream_seed(std::uint64_t run_seed, unsigned endpoint, unsigned stream);

}  // namespace holdover::host
