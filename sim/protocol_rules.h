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
};

// A non-posted request whose completions are not all there.
struct OutstandingRequest {
  pcie::Tlp request;  // without payload
  Time since;
  FunctionState state;        // at the request
  unsigned remaining = 0;     // bytes that completions have still to count
  std::uint64_t next = 0;     // address of the next byte; 0 for configuration requests
  bool before_reset = false;  // the function was reset since: completions may or may not come
};

// One TLP in its circumstances.
struct Observation {
  Time now;
  unsigned endpoint = 0;
  Direction direction = Direction::Rx;
  const pcie::Tlp& tlp;
  const FunctionState& state;
  const pcie::TlpHeader* raw = nullptr;         // the header as it stood on the pins, where known
  const OutstandingRequest* request = nullptr;  // completions: what they answer; requests: who holds the tag
};

// To which TLPs a rule applies.
enum class RuleScope {
  Any,
  Request,    // either direction
  Memory,     // memory requests, either direction
  TxRequest,  // of the endpoint
  TxMemory,
  Config,             // configuration requests, either direction
  Message,            // messages, either direction
  Completion,         // either direction
  MatchedCompletion,  // completions whose request is known
  MemoryCompletion,   // matched, of a memory read, with status Success
  ConfigCompletion,   // matched, of a configuration request
  Tracker,            // judged by ProtocolChecker itself, over the life of a request
};

struct ProtocolRule {
  std::string_view name;      // «P-READ-SIZE»
  std::string_view clause;    // of the PCI Express Base Specification 5.0
  std::string_view sentence;  // what must hold
  RuleScope scope = RuleScope::Any;
  bool (*holds)(const Observation&) = nullptr;  // no pointer: RuleScope::Tracker
};

[[nodiscard]] std::span<const ProtocolRule> protocol_rules();
// The rule of this name; it exists.
[[nodiscard]] const ProtocolRule& protocol_rule(std::string_view name);
[[nodiscard]] bool applies(RuleScope scope, const Observation& seen);

// Bytes of a memory read that this completion brings, judged by its length and the request's next byte.
[[nodiscard]] unsigned delivered_bytes(const pcie::Tlp& completion, const OutstandingRequest& request);

}  // namespace holdover::sim
