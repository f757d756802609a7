// SPDX-License-Identifier: MIT
#include "sim/latency_tolerance.h"

namespace holdover::sim {
namespace {

constexpr std::uint16_t kRequirement = 1u << 15;
constexpr unsigned kLargestScale = 5;

// In nanoseconds; all ones where nothing is required, which a scale that does not exist cannot do either.
std::uint64_t nanoseconds(std::uint16_t field) {
  const unsigned scale = (field >> 10) & 7u;
  if ((field & kRequirement) == 0 || scale > kLargestScale) return ~std::uint64_t{0};
  return std::uint64_t{field & 0x3ffu} << (5 * scale);
}

std::uint16_t smaller(std::uint16_t one, std::uint16_t other) {
  const std::uint16_t least = nanoseconds(other) < nanoseconds(one) ? other : one;
  return nanoseconds(least) == ~std::uint64_t{0} ? std::uint16_t{0} : least;
}

}  // namespace

bool is_latency_message(const pcie::Tlp& tlp) {
  return tlp.kind == pcie::TlpKind::Message && tlp.message_code == pcie::kMessageLatencyTolerance;
}

LatencyTolerance latency_of(const pcie::Tlp& message) {
  return LatencyTolerance{static_cast<std::uint16_t>(message.address),
                          static_cast<std::uint16_t>(message.address >> 16)};
}

pcie::Tlp latency_message(pcie::RequesterId requester, const LatencyTolerance& tolerance) {
  pcie::Tlp message;
  message.kind = pcie::TlpKind::Message;
  message.requester = requester;
  message.message_code = pcie::kMessageLatencyTolerance;
  message.message_routing = pcie::kMessageRoutingLocal;
  message.address = (std::uint64_t{tolerance.no_snoop} << 16) | tolerance.snoop;
  return message;
}

LatencyTolerance smaller_of(const LatencyTolerance& one, const LatencyTolerance& other) {
  return LatencyTolerance{smaller(one.snoop, other.snoop), smaller(one.no_snoop, other.no_snoop)};
}

}  // namespace holdover::sim
