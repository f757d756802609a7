// SPDX-License-Identifier: MIT
// What a link could carry at most: the model of pcie-bench (SIGCOMM 2018), and the same with what the endpoint's
// descriptor and completion rings add. All rates in Gb/s of transferred bytes, all sizes in bytes.
#pragma once

#include <cstdint>

namespace holdover::bench {

struct LinkTheory {
  unsigned generation = 3;  // 1 to 5
  unsigned lanes = 8;       // 1, 2, 4, 8 or 16
  unsigned max_payload = 256;
  unsigned max_read_request = 512;
  bool wide_addresses = false;  // requests carry 64-bit addresses
  unsigned completion = 256;    // longest piece of an answer: MAX_PAYLOAD, or the read completion boundary

  // Line rate after coding, and what data link packets and SKIP symbols leave of it for TLPs.
  [[nodiscard]] double raw() const;
  [[nodiscard]] double tlp_bandwidth() const;

  // What goes into the above: bytes between two acknowledgements (and two flow control updates), and bytes of a request
  // and of a completion beside its data, framing included.
  [[nodiscard]] double acknowledge_interval() const;
  [[nodiscard]] double request_bytes() const;
  [[nodiscard]] static double completion_bytes();

  // Aligned transfers of `size` in one direction.
  [[nodiscard]] double write(std::uint64_t size) const;
  [[nodiscard]] double read(std::uint64_t size) const;
  // Each way at once; the value is that of one direction.
  [[nodiscard]] double read_write(std::uint64_t size) const;
  // Nothing but headers taken off the line rate: no measurement may be above.
  [[nodiscard]] double write_bound(std::uint64_t size) const;
  [[nodiscard]] double read_bound(std::uint64_t size) const;
};

// The endpoint's share: what each transfer adds to the link, and what its streams carry.
struct EngineTheory {
  unsigned descriptor = 32;  // bytes
  unsigned record = 16;
  unsigned batch = 8;         // descriptors that one read fetches
  unsigned beat = 32;         // bytes of a stream per clock
  double clock_period = 4.0;  // ns

  [[nodiscard]] double write(const LinkTheory& link, std::uint64_t size) const;
  [[nodiscard]] double read(const LinkTheory& link, std::uint64_t size) const;
};

}  // namespace holdover::bench
