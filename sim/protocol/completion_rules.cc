// SPDX-License-Identifier: MIT
// Completions, alone and against the request that they answer.
#include "sim/protocol/rule_tables.h"

namespace holdover::sim::protocol {
namespace {

using pcie::CompletionStatus;
using pcie::TlpKind;
using Seen = Observation;

constexpr unsigned kEndpointRcb = 128;

bool status_known(const Seen& s) {
  switch (s.tlp.status) {
    case CompletionStatus::Success:
    case CompletionStatus::UnsupportedRequest:
    case CompletionStatus::RequestRetry:
    case CompletionStatus::CompleterAbort:
      return true;
  }
  return false;
}
bool data_only_with_success(const Seen& s) {
  return s.tlp.kind == TlpKind::Completion || s.tlp.status == CompletionStatus::Success;
}
bool own_completer_id(const Seen& s) { return s.direction == Direction::Rx || s.tlp.completer == s.state.bdf; }
bool completed_by_somebody_else(const Seen& s) {
  return s.direction == Direction::Tx || (s.state.bdf >> 8) == 0 || s.tlp.completer != s.state.bdf;
}
bool no_id_ordering(const Seen& s) { return s.direction == Direction::Rx || (s.tlp.attributes & kIdOrdering) == 0; }

bool traffic_class_returned(const Seen& s) { return s.tlp.traffic_class == s.request->request.traffic_class; }
// ID-based ordering is the completer's own choice.
bool attributes_returned(const Seen& s) {
  return ((s.tlp.attributes ^ s.request->request.attributes) & (kNoSnoop | kRelaxedOrdering)) == 0;
}
bool reads_are_given_data(const Seen& s) {
  const TlpKind kind = s.request->request.kind;
  const bool read = kind == TlpKind::MemoryRead || kind == TlpKind::ConfigRead0 || kind == TlpKind::ConfigRead1;
  return !read || s.tlp.status != CompletionStatus::Success || s.tlp.kind == TlpKind::CompletionData;
}
bool writes_are_given_none(const Seen& s) {
  const TlpKind kind = s.request->request.kind;
  const bool write = kind == TlpKind::ConfigWrite0 || kind == TlpKind::ConfigWrite1;
  return !write || s.tlp.status != CompletionStatus::Success || s.tlp.kind == TlpKind::Completion;
}
bool retry_only_for_config(const Seen& s) {
  return s.tlp.status != CompletionStatus::RequestRetry || pcie::is_config(s.request->request.kind);
}

bool byte_count_continues(const Seen& s) { return s.tlp.byte_count == s.request->remaining; }
bool lower_address_continues(const Seen& s) { return s.tlp.lower_address == (s.request->next & 0x7f); }
bool no_more_than_asked(const Seen& s) {
  const unsigned lead = static_cast<unsigned>(s.request->next & 3);
  return s.tlp.length_dw <= (lead + s.request->remaining + 3) / 4;
}
bool ends_at_boundary(const Seen& s) {
  const unsigned delivered = delivered_bytes(s.tlp, *s.request);
  if (delivered >= s.request->remaining) return true;
  const unsigned boundary = s.direction == Direction::Tx || s.state.rcb ? kEndpointRcb : 64;
  return (s.request->next + delivered) % boundary == 0;
}
bool decode_was_on(const Seen& s) { return s.direction == Direction::Rx || s.request->state.memory || s.state.memory; }
bool was_awake(const Seen& s) {
  return s.direction == Direction::Rx || s.request->state.d_state == 0 || s.state.d_state == 0;
}
bool config_byte_count(const Seen& s) { return s.tlp.byte_count == 4; }
bool config_lower_address(const Seen& s) { return s.tlp.lower_address == 0; }
bool config_length(const Seen& s) { return s.tlp.kind != TlpKind::CompletionData || s.tlp.length_dw == 1; }

using enum RuleScope;
constexpr ProtocolRule kRules[] = {
    {"P-CPL-UNEXPECTED", "2.3.2", "a completion answers a request", Tracker, nullptr},
    {"P-CPL-AFTER-FINAL", "2.3.2", "no completion follows the one that ended its request", Tracker, nullptr},
    {"P-CPL-EPOCH", "6.6.1", "no request is completed across a conventional reset", Tracker, nullptr},
    {"P-CPL-MISSING", "2.3.1", "every non-posted request gets a complete set of completions", Tracker, nullptr},
    {"P-CPL-STATUS", "2.2.9", "the completion status exists", Completion, status_known},
    {"P-CPL-DATA-STATUS", "2.2.9", "only a successful completion carries data", Completion, data_only_with_success},
    {"P-COMPLETER-ID", "2.2.9", "the completer ID is the one that was captured", Completion, own_completer_id},
    {"P-CPL-SELF", "2.2.9", "no completion for a function names the function as its completer", Completion,
     completed_by_somebody_else},
    {"P-CPL-ID-ORDERING", "2.2.6.4", "an endpoint's completions do not use ID-based ordering: it is not enabled",
     Completion, no_id_ordering},
    {"P-CPL-TRAFFIC-CLASS", "2.2.9", "a completion has its request's traffic class", MatchedCompletion,
     traffic_class_returned},
    {"P-CPL-ATTRIBUTES", "2.2.9", "a completion has its request's no snoop and relaxed ordering", MatchedCompletion,
     attributes_returned},
    {"P-CPL-DATA-MISSING", "2.2.9", "a read that succeeds is answered with data", MatchedCompletion,
     reads_are_given_data},
    {"P-CPL-DATA-UNASKED", "2.2.9", "a write is answered without data", MatchedCompletion, writes_are_given_none},
    {"P-CPL-RETRY", "2.3.1", "only configuration requests are answered with Request Retry Status", MatchedCompletion,
     retry_only_for_config},
    {"P-CPL-BYTE-COUNT", "2.3.1.1", "completions of one request come in order, their byte counts without a gap",
     MemoryCompletion, byte_count_continues},
    {"P-CPL-LOWER-ADDRESS", "2.3.1.1", "Lower Address is that of the completion's first enabled byte", MemoryCompletion,
     lower_address_continues},
    {"P-CPL-EXCESS", "2.3.1.1", "completions bring no more than the request asked for", MemoryCompletion,
     no_more_than_asked},
    {"P-CPL-BOUNDARY", "2.3.1.1", "a completion that is not the last ends at a read completion boundary",
     MemoryCompletion, ends_at_boundary},
    {"P-CPL-DECODE", "7.5.1.1.3", "no memory request succeeds while Memory Space Enable is clear", MemoryCompletion,
     decode_was_on},
    {"P-CPL-D-STATE", "5.3.1", "no memory request succeeds outside D0", MemoryCompletion, was_awake},
    {"P-CPL-CONFIG-COUNT", "2.2.9", "the completion of a configuration request has byte count 4", ConfigCompletion,
     config_byte_count},
    {"P-CPL-CONFIG-ADDRESS", "2.2.9", "the completion of a configuration request has lower address 0", ConfigCompletion,
     config_lower_address},
    {"P-CPL-CONFIG-LENGTH", "2.2.9", "the data of a configuration read is one double word", ConfigCompletion,
     config_length},
};

}  // namespace

std::span<const ProtocolRule> completion_rules() { return kRules; }

}  // namespace holdover::sim::protocol
