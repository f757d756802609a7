// SPDX-License-Identifier: MIT
// How long bytes take on a wire: raw rate, coding, and the share that SKIP symbols and data link packets take.
#pragma once

#include <cstdint>

#include "pcie/units.h"
#include "sim/witness.h"

namespace holdover::sim {

// Framing, sequence number and LCRC of one TLP.
inline constexpr Bytes kTlpFraming{8};

class LinkRate {
 public:
  // `max_payload` encoded: 0 = 128 bytes. Throws Error{InvalidArgument} for a link that does not exist.
  LinkRate(const LinkConfig& config, unsigned max_payload);

  // Time of a TLP of so many bytes (header and payload) on a wire that carries an acknowledgement and a flow control
  // update in each interval, rounded up: the longest there is.
  [[nodiscard]] Time time_of(Bytes tlp) const;
  // The same without a bias: what rounding leaves over is carried to the next call in `carry`.
  [[nodiscard]] Time time_of(Bytes tlp, std::uint64_t& carry) const;
  // And where flow control updates are sent one by one beside it (update_time()).
  [[nodiscard]] Time wire_time(Bytes tlp, std::uint64_t& carry) const;

  // One flow control update on the wire.
  [[nodiscard]] Time update_time() const { return update_time_; }
  // They come no closer than this.
  [[nodiscard]] Time update_interval() const { return update_interval_; }
  // A credit waits no longer than this for its update (PCIe 5.0, 2.6.1.2: the guideline for their latency).
  [[nodiscard]] Time update_latency() const { return update_latency_; }

 private:
  std::uint64_t numerator_ = 0;         // picoseconds
  std::uint64_t denominator_ = 1;       // per so many bytes
  std::uint64_t wire_denominator_ = 1;  // without flow control updates
  Time update_time_;
  Time update_interval_;
  Time update_latency_;
};

}  // namespace holdover::sim
