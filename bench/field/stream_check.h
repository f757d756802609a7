// SPDX-License-Identifier: MIT
// What the endpoint's streams left in the memory of the host.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "host/agent/endpoint_streams.h"

namespace holdover::bench {

// Heartbeat records [first, end) as they lie in the ring.
struct RecordsSeen {
  std::uint64_t first = 0;
  std::uint64_t end = 0;
  std::uint64_t checked = 0;  // fewer than end - first where the ring has gone over the oldest
  std::uint64_t lost = 0;
  std::optional<std::uint64_t> first_lost;
  std::optional<std::uint64_t> off_deadline;  // the first whose time stamp is not that of its number
  std::uint64_t clock = 0;                    // when the first bad one was due, 0 where nothing tells

  [[nodiscard]] bool all_checked() const { return checked == end - first; }
};
[[nodiscard]] RecordsSeen check_records(const host::EndpointDriver& driver, std::uint64_t first, std::uint64_t end,
                                        unsigned entries, std::uint32_t period);

// Every stream has stopped: the last lap of each channel to the host and its completion records, what channels to the
// card and the reader were given to read, the descriptors, and what lies between and behind all that.
struct MemorySeen {
  std::uint64_t bytes = 0;  // compared
  std::uint64_t wrong = 0;  // places with a wrong byte, one for each buffer, gap and table
  std::string first;        // the first of them
};
[[nodiscard]] MemorySeen check_memory(host::EndpointStreams& streams);

}  // namespace holdover::bench
