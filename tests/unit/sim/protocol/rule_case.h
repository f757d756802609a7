// SPDX-License-Identifier: MIT
// A planted deviation from a rule and its nearest legal neighbour: the tables, one for each subject as in sim/protocol,
// and the edits that make one TLP of another.
#pragma once

#include <ostream>
#include <span>

#include "tests/unit/sim/protocol_checker_fixture.h"

namespace holdover::sim::rule_cases {

using Test = ProtocolCheckerTest;

struct RuleCase {
  const char* rule;
  void (*violate)(Test&);
  void (*near_miss)(Test&);
};
inline void PrintTo(const RuleCase& each, std::ostream* out) { *out << each.rule; }

[[nodiscard]] std::span<const RuleCase> format_cases();
[[nodiscard]] std::span<const RuleCase> request_cases();
[[nodiscard]] std::span<const RuleCase> config_request_cases();
[[nodiscard]] std::span<const RuleCase> message_cases();
[[nodiscard]] std::span<const RuleCase> completion_cases();
[[nodiscard]] std::span<const RuleCase> flow_cases();

inline constexpr unsigned kNoSnoop = 1;
inline constexpr unsigned kRelaxed = 2;
inline constexpr unsigned kIdOrdering = 4;

template <typename Edit>
inline Tlp edited(Tlp tlp, Edit edit) {
  edit(tlp);
  return tlp;
}

inline Tlp with_byte_enables(Tlp tlp, unsigned first, unsigned last) {
  tlp.first_be = static_cast<std::uint8_t>(first);
  tlp.last_be = static_cast<std::uint8_t>(last);
  return tlp;
}
inline Tlp with_attributes(Tlp tlp, unsigned attributes) {
  tlp.attributes = static_cast<std::uint8_t>(attributes);
  return tlp;
}
inline Tlp with_class(Tlp tlp, unsigned traffic_class) {
  tlp.traffic_class = static_cast<std::uint8_t>(traffic_class);
  return tlp;
}
inline Tlp with_length(Tlp tlp, unsigned words) {
  tlp.length_dw = static_cast<std::uint16_t>(words);
  return tlp;
}
inline Tlp from(pcie::RequesterId requester, Tlp tlp) {
  tlp.requester = requester;
  return tlp;
}
inline Tlp in_register(Tlp tlp, unsigned offset) {
  tlp.register_offset = static_cast<std::uint16_t>(offset);
  return tlp;
}
// Of the read of four bytes at address 0.
inline Tlp answer() { return completion(read(0, 4), 4, 4); }

}  // namespace holdover::sim::rule_cases
