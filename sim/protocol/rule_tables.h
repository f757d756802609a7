// SPDX-License-Identifier: MIT
// The tables of rules, one for each subject, and what their judges share. protocol_rules() puts them together.
#pragma once

#include <span>

#include "sim/protocol_rules.h"

namespace holdover::sim::protocol {

[[nodiscard]] std::span<const ProtocolRule> format_rules();
[[nodiscard]] std::span<const ProtocolRule> request_rules();
[[nodiscard]] std::span<const ProtocolRule> config_request_rules();
[[nodiscard]] std::span<const ProtocolRule> message_rules();
[[nodiscard]] std::span<const ProtocolRule> completion_rules();
[[nodiscard]] std::span<const ProtocolRule> flow_rules();

// Bits of Tlp::attributes.
inline constexpr std::uint8_t kNoSnoop = 1u << 0;
inline constexpr std::uint8_t kRelaxedOrdering = 1u << 1;
inline constexpr std::uint8_t kIdOrdering = 1u << 2;

[[nodiscard]] inline bool is_memory(pcie::TlpKind kind) {
  return kind == pcie::TlpKind::MemoryRead || kind == pcie::TlpKind::MemoryWrite;
}
[[nodiscard]] inline bool is_message(pcie::TlpKind kind) {
  return kind == pcie::TlpKind::Message || kind == pcie::TlpKind::MessageData;
}
// A message that may have any traffic class, attributes and contents.
[[nodiscard]] inline bool is_vendor_message(const pcie::Tlp& tlp) {
  return is_message(tlp.kind) && (tlp.message_code == 0x7e || tlp.message_code == 0x7f);
}
// Memory requests and vendor-defined messages choose traffic class and attributes; for all other requests they are
// fixed, by rules of their own.
[[nodiscard]] inline bool has_free_attributes(const pcie::Tlp& request) {
  return is_memory(request.kind) || is_vendor_message(request);
}

}  // namespace holdover::sim::protocol
