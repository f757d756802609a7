// SPDX-License-Identifier: MIT
// What every port says to a packet that it does not forward.
#pragma once

#include <optional>
#include <string_view>

#include "sim/bridge.h"
#include "sim/packet.h"

namespace holdover::sim {

// Completion without data for a non-posted request.
[[nodiscard]] pcie::Tlp refusal(const pcie::Tlp& request, pcie::RequesterId completer, pcie::CompletionStatus status);

// Why a packet goes no further, which error of the port that is, and how it answers a non-posted request.
struct Refusal {
  std::string_view reason;
  std::uint32_t error = pcie::config::kAerUnsupported;
  pcie::CompletionStatus status = pcie::CompletionStatus::UnsupportedRequest;

  // Malformed packets are dropped, never answered.
  [[nodiscard]] bool answered(const pcie::Tlp& tlp) const {
    return error != pcie::config::kAerMalformed && pcie::flow_class(tlp.kind) == pcie::FlowClass::NonPosted;
  }
};

// Why this port does not take a packet that comes from below, as far as the port alone decides; nothing where it does.
[[nodiscard]] std::optional<Refusal> refuse_from_below(const Bridge& port, const pcie::Tlp& tlp);

// Turns a type 1 configuration request into the type 0 request that the bus below carries (PCIe 5.0, 7.3.3).
void convert_to_type0(pcie::Tlp& request);
// Whether a port may put a type 0 request for this target onto its link: device 0 only, unless it forwards ARI
// (PCIe 5.0, 7.3.1).
[[nodiscard]] bool target_on_link(const Bridge& port, pcie::RequesterId target);

inline constexpr std::string_view kWindowReason = "the address lies in the port's own window";
inline constexpr std::string_view kLinkDownReason = "the link below is down";
inline constexpr std::string_view kLatencyReason = "the port's LTR Mechanism Enable is off";
inline constexpr std::string_view kNoMessageReason = "a port's own request is no interrupt message";
inline constexpr std::string_view kNoPortReason = "no port below claims it";

}  // namespace holdover::sim
