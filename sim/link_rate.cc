// SPDX-License-Identifier: MIT
#include "sim/link_rate.h"

#include <algorithm>
#include <array>
#include <string>

#include "pcie/error.h"

namespace holdover::sim {
namespace {

struct Generation {
  std::uint64_t numerator;    // picoseconds per byte and lane with line coding,
  std::uint64_t denominator;  // as a fraction
  std::uint64_t ack_delay;    // bytes that this generation adds to the acknowledge interval
};
// 2.5 and 5 GT/s with 8b/10b, 8, 16 and 32 GT/s with 128b/130b (PCIe 5.0, 4.2).
constexpr std::array<Generation, 5> kGenerations{
    {{4000, 1, 0}, {2000, 1, 51}, {130'000, 128, 96}, {65'000, 128, 96}, {32'500, 128, 96}}};

struct Width {
  unsigned lanes;
  std::array<std::uint64_t, 4> ack_interval;  // bytes between acknowledgements at 128, 256, 512, 1024 bytes of payload
};
// PCIe 5.0, table 3-7 (2.5 GT/s).
constexpr std::array<Width, 5> kWidths{{{1, {237, 416, 559, 1071}},
                                        {2, {128, 217, 289, 545}},
                                        {4, {73, 118, 154, 282}},
                                        {8, {67, 107, 86, 150}},
                                        {16, {48, 72, 86, 150}}}};

constexpr std::uint64_t kPacketBytes = 8;  // of one ACK or flow control update
constexpr std::uint64_t kSkipBytes = 4;
constexpr std::uint64_t kSkipInterval = 1538;

}  // namespace

LinkConfig select_link(std::string_view name) {
  LinkConfig config;
  for (unsigned generation = 1; generation <= kGenerations.size(); ++generation) {
    for (const Width& width : kWidths) {
      if (name != "gen" + std::to_string(generation) + "x" + std::to_string(width.lanes)) continue;
      config.generation = generation;
      config.lanes = width.lanes;
      return config;
    }
  }
  throw Error(ErrorCode::InvalidArgument,
              "there is no link «" + std::string{name} +
                  "»; there are gen1 to gen5 with 1, 2, 4, 8 or 16 lanes, for example gen3x8");
}

LinkRate::LinkRate(const LinkConfig& config, unsigned max_payload) {
  if (config.generation < 1 || config.generation > kGenerations.size()) {
    throw Error(ErrorCode::InvalidArgument, "There is no link generation " + std::to_string(config.generation) +
                                                "; the machine knows 1, 2, 3, 4 and 5.");
  }
  const auto* width =
      std::find_if(kWidths.begin(), kWidths.end(), [&](const Width& entry) { return entry.lanes == config.lanes; });
  if (width == kWidths.end()) {
    throw Error(ErrorCode::InvalidArgument,
                "There is no link of " + std::to_string(config.lanes) + " lanes; the machine knows 1, 2, 4, 8 and 16.");
  }
  const Generation& generation = kGenerations[config.generation - 1];
  const std::uint64_t interval =
      width->ack_interval[std::min<std::size_t>(max_payload, width->ack_interval.size() - 1)] + generation.ack_delay;
  // One acknowledgement and one flow control update per interval, one SKIP per its own.
  const std::uint64_t all = interval * kSkipInterval;
  const std::uint64_t left = all - 2 * kPacketBytes * kSkipInterval - kSkipBytes * interval;
  numerator_ = generation.numerator * all;
  denominator_ = generation.denominator * config.lanes * left;
  wire_denominator_ = generation.denominator * config.lanes * (left + kPacketBytes * kSkipInterval);
  const std::uint64_t per_bytes = generation.denominator * config.lanes;
  update_time_ = Time{(kPacketBytes * generation.numerator + per_bytes - 1) / per_bytes};
  update_interval_ = Time{(interval * generation.numerator + per_bytes - 1) / per_bytes};
  // The interval counts symbols, and each lane carries one at a time.
  update_latency_ = Time{interval * generation.numerator / generation.denominator};
}

Time LinkRate::time_of(Bytes tlp) const {
  const std::uint64_t bytes = (tlp + kTlpFraming).count();
  return Time{(bytes * numerator_ + denominator_ - 1) / denominator_};
}

Time LinkRate::time_of(Bytes tlp, std::uint64_t& carry) const {
  const std::uint64_t total = (tlp + kTlpFraming).count() * numerator_ + carry;
  carry = total % denominator_;
  return Time{total / denominator_};
}

Time LinkRate::wire_time(Bytes tlp, std::uint64_t& carry) const {
  const std::uint64_t total = (tlp + kTlpFraming).count() * numerator_ + carry;
  carry = total % wire_denominator_;
  return Time{total / wire_denominator_};
}

}  // namespace holdover::sim
