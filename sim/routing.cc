// SPDX-License-Identifier: MIT
#include "sim/routing.h"

namespace holdover::sim {

pcie::Tlp refusal(const pcie::Tlp& request, pcie::RequesterId completer, pcie::CompletionStatus status) {
  pcie::Tlp answer;
  answer.kind = pcie::TlpKind::Completion;
  answer.status = status;
  answer.completer = completer;
  answer.requester = request.requester;
  answer.tag = request.tag;
  answer.traffic_class = request.traffic_class;
  answer.attributes = request.attributes;
  answer.byte_count = 4;
  if (request.kind == pcie::TlpKind::MemoryRead) {
    const Bytes bytes = pcie::enabled_bytes(request);
    answer.byte_count = static_cast<std::uint16_t>(bytes == Bytes{0} ? 1 : bytes.count());
    answer.lower_address = static_cast<std::uint8_t>(pcie::first_byte_address(request) & 0x7f);
  }
  return answer;
}

std::optional<Refusal> refuse_from_below(const Bridge& port, const pcie::Tlp& tlp) {
  if (tlp.payload.size() > port.max_payload().count()) {
    return Refusal{"the payload is larger than the port's maximum payload size", pcie::config::kAerMalformed};
  }
  if (pcie::is_completion(tlp.kind)) return std::nullopt;
  const bool owned = port.owns_bus(static_cast<std::uint8_t>(tlp.requester >> 8));
  if (const auto violation = port.acs().violation(tlp, owned)) {
    return Refusal{*violation, pcie::config::kAerAcsViolation, pcie::CompletionStatus::CompleterAbort};
  }
  if (tlp.kind != pcie::TlpKind::MemoryRead && tlp.kind != pcie::TlpKind::MemoryWrite) return std::nullopt;
  if (!port.in_d0()) return Refusal{"the port is not in D0"};
  if (!port.bus_master()) return Refusal{"the port's bus master enable is off"};
  return std::nullopt;
}

void convert_to_type0(pcie::Tlp& request) {
  if (request.kind == pcie::TlpKind::ConfigRead1) request.kind = pcie::TlpKind::ConfigRead0;
  if (request.kind == pcie::TlpKind::ConfigWrite1) request.kind = pcie::TlpKind::ConfigWrite0;
}

bool target_on_link(const Bridge& port, pcie::RequesterId target) {
  return port.forwards_ari() || ((target >> 3) & 0x1f) == 0;
}

}  // namespace holdover::sim
