// SPDX-License-Identifier: MIT
// How long bytes take on a wire: raw rate, coding, and the share that data link packets and SKIP symbols take.
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

  // Time on the wire of a TLP of so many bytes (header and payload), rounded up.
  [[nodiscard]] Time time_of(Bytes tlp) const;
  // The same without a bias: what rounding leaves over is carried to the next call in `carry`.
  [[nodiscard]] Time time_of(Bytes tlp, std::uint64_t& carry) const;

 private:
  std::uint64_t numerator_ = 0;    // picoseconds
  std::uint64_t denominator_ = 1;  // per so many bytes
};

}  // namespace holdover::sim
