// SPDX-License-Identifier: MIT
// The rules that every TLP at an endpoint's edge is held against, as a table.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "sim/witness.h"

namespace holdover::sim {

// What the rules need to know of a function, as it was when the first beat of the TLP was presented: a request that
// entered the stream before bus mastering fell is legal.
struct FunctionState {
  pcie::RequesterId bdf = 0;  // captured
  bool bus_master = false;
  bool memory = false;
  std::uint8_t d_state = 0;
  std::uint8_t max_payload = 0;       // encoded, 128 << n bytes
  std::uint8_t max_read_request = 2;  // encoded, 128 << n bytes
  bool extended_tag = false;
  bool relaxed_ordering = false;  // Enable Relaxed Ordering
  bool no_snoop = false;          // Enable No Snoop
  bool rcb = false;               // Link Control: false 64, true 128 bytes
  std::uint8_t aspm = 0;          // Link Control, as far as supported: bit 0 L0s, bit 1 L1
};

enum class RequestLife {
  Open,      // its completions are not all there
  Forgiven,  // the function was reset since: completions may or may not come
  Finished,  // all its completions have come
  Lost,      // a conventional reset has taken it: no completion may come
};

// The latest non-posted request of its requester ID and tag.
struct OutstandingRequest {
  pcie::Tlp request;  // without payload
  Time since;
  FunctionState state;     // at the request
  unsigned remaining = 0;  // bytes that completions have still to count
  std::uint64_t next = 0;  // address of the next byte; 0 for configuration requests
  RequestLife life = RequestLife::Open;
};

// One TLP in its circumstances.
struct Observation {
  Time now;
  unsigned endpoint = 0;
  Direction direction = Direction::Rx;
  const pcie::Tlp& tlp;
  const FunctionState& state;
  const pcie::TlpHeader* raw = nullptr;         // the header as it stood on the pins, where known
  const OutstandingRequest* request = nullptr;  // completions: what they answer, where that is Open or Forgiven
};

// To which TLPs a rule applies.
enum class RuleScope : std::uint8_t {
  Any,
  Request,    // either direction
  TxRequest,  // of the endpoint
  RxRequest,  // to the endpoint
  Memory,     // memory requests, either direction
  TxMemory,
  Config,             // configuration requests, either direction
  Message,            // messages, either direction
  Completion,         // either direction
  MatchedCompletion,  // completions whose request is known
  MemoryCompletion,   // matched, with data, of a memory read, with status Success
  ConfigCompletion,   // matched, of a configuration request
  Tracker,            // judged by ProtocolChecker itself: headers that name no TLP, and the lives of requests
  Link,               // judged by FlowMonitor: one direction of a link
};
[[nodiscard]] std::string_view to_string(RuleScope scope);

struct ProtocolRule {
  std::string_view name;      // «P-READ-SIZE»
  std::string_view clause;    // of the PCI Express Base Specification 5.0
  std::string_view sentence;  // what must hold
  RuleScope scope = RuleScope::Any;
  bool (*holds)(const Observation&) = nullptr;  // no pointer: RuleScope::Tracker and Link
};

// The rules of one subject.
struct RuleGroup {
  std::string_view subject;
  std::span<const ProtocolRule> rules;
};

[[nodiscard]] std::span<const RuleGroup> rule_groups();
// The rule of this name; it exists.
[[nodiscard]] const ProtocolRule& protocol_rule(std::string_view name);
// The rules with a judge that apply to this TLP.
[[nodiscard]] std::span<const ProtocolRule* const> rules_for(const Observation& seen);
// The rule that a header breaks which names no TLP.
[[nodiscard]] const ProtocolRule& rule_for_undecodable(const pcie::TlpHeader& raw);
// All rules for people, in Markdown: docs/protocol-rules.md.
[[nodiscard]] std::string rules_page();

// Bytes of a memory read that this completion brings, judged by its length and the request's next byte.
[[nodiscard]] unsigned delivered_bytes(const pcie::Tlp& completion, const OutstandingRequest& request);

}  // namespace holdover::sim
