// SPDX-License-Identifier: MIT
#include "sim/protocol_rules.h"

#include <algorithm>
#include <bit>

#include "pcie/error.h"

namespace holdover::sim {
namespace {

using pcie::CompletionStatus;
using pcie::Tlp;
using pcie::TlpKind;
using Seen = Observation;

constexpr std::uint8_t kNoSnoop = 1u << 0;
constexpr std::uint8_t kRelaxedOrdering = 1u << 1;
constexpr std::uint8_t kIdOrdering = 1u << 2;
constexpr std::uint64_t kFourGiB = std::uint64_t{1} << 32;
constexpr unsigned kEndpointRcb = 128;

bool is_memory(TlpKind kind) { return kind == TlpKind::MemoryRead || kind == TlpKind::MemoryWrite; }
bool is_message(TlpKind kind) { return kind == TlpKind::Message || kind == TlpKind::MessageData; }

// Whether the four low bits are one run of ones.
bool is_run(unsigned be) {
  if (be == 0) return false;
  const unsigned low = be >> std::countr_zero(be);
  return (low & (low + 1)) == 0;
}

bool in_message_window(const Tlp& tlp) {
  return tlp.kind == TlpKind::MemoryWrite && (tlp.address >> 20) == (kPlatformMap.msi_window.raw() >> 20);
}

// ---- Every TLP

bool fields_in_range(const Seen& s) {
  const Tlp& t = s.tlp;
  const bool counts = pcie::has_payload(t.kind) || t.kind == TlpKind::MemoryRead || pcie::is_config(t.kind);
  return t.tag <= 0xff && t.first_be <= 0xf && t.last_be <= 0xf && t.traffic_class <= 7 && t.attributes <= 7 &&
         t.lower_address <= 0x7f && t.length_dw <= 1024 && (!counts || t.length_dw >= 1) &&
         (!pcie::is_completion(t.kind) || (t.byte_count >= 1 && t.byte_count <= 4096));
}

bool payload_as_long_as_said(const Seen& s) {
  return s.tlp.payload.size() == (pcie::has_payload(s.tlp.kind) ? s.tlp.length_dw * 4u : 0u);
}

bool short_address_short_header(const Seen& s) {
  if (s.raw == nullptr || !is_memory(s.tlp.kind)) return true;
  const bool four_words = (((*s.raw)[0] >> 29) & 1) != 0;
  return !four_words || s.tlp.address >= kFourGiB;
}

bool reserved_bits_clear(const Seen& s) {
  if (s.raw == nullptr) return true;
  pcie::TlpHeader expected = pcie::encode_header(s.tlp);
  if (is_memory(s.tlp.kind) && s.tlp.address < kFourGiB && (((*s.raw)[0] >> 29) & 1) != 0) {
    // P-ADDRESS-FORMAT speaks of this one.
    expected[0] |= 1u << 29;
    expected[3] = expected[2];
    expected[2] = 0;
  }
  return expected == *s.raw;
}

bool payload_within_limit(const Seen& s) { return s.tlp.payload.size() <= std::size_t{128} << s.state.max_payload; }
bool default_traffic_class(const Seen& s) { return s.tlp.traffic_class == 0; }
bool not_poisoned(const Seen& s) { return !s.tlp.poisoned; }

// ---- Requests

bool single_has_no_last_be(const Seen& s) { return s.tlp.length_dw != 1 || s.tlp.last_be == 0; }
bool several_have_last_be(const Seen& s) { return s.tlp.length_dw <= 1 || s.tlp.last_be != 0; }
bool several_have_first_be(const Seen& s) { return s.tlp.length_dw <= 1 || s.tlp.first_be != 0; }

bool byte_enables_contiguous(const Seen& s) {
  const Tlp& t = s.tlp;
  if (t.length_dw <= 1 || t.first_be == 0 || t.last_be == 0) return true;
  if (t.length_dw == 2 && t.address % 8 == 0) return true;  // a quad word may have holes
  return is_run(t.first_be) && (t.first_be & 8) != 0 && is_run(t.last_be) && (t.last_be & 1) != 0;
}

bool within_one_page(const Seen& s) { return (s.tlp.address & 0xfff) + s.tlp.length_dw * 4u <= 4096; }
bool address_aligned(const Seen& s) { return s.tlp.address % 4 == 0; }

bool read_within_limit(const Seen& s) {
  return s.tlp.kind != TlpKind::MemoryRead || s.tlp.length_dw * 4u <= 128u << s.state.max_read_request;
}

bool endpoint_may_send(const Seen& s) { return !pcie::is_config(s.tlp.kind); }
bool own_requester_id(const Seen& s) { return s.tlp.requester == s.state.bdf; }
bool tag_in_range(const Seen& s) {
  return pcie::flow_class(s.tlp.kind) != pcie::FlowClass::NonPosted || s.state.extended_tag || s.tlp.tag <= 31;
}
bool bus_master_on(const Seen& s) { return s.state.bus_master; }
bool awake(const Seen& s) {
  return s.state.d_state == 0 || (is_message(s.tlp.kind) && s.tlp.message_code == 0x18) ||
         pcie::is_error_message(s.tlp);
}
bool relaxed_only_when_enabled(const Seen& s) {
  return (s.tlp.attributes & kRelaxedOrdering) == 0 || s.state.relaxed_ordering;
}
bool no_snoop_only_when_enabled(const Seen& s) { return (s.tlp.attributes & kNoSnoop) == 0 || s.state.no_snoop; }
bool no_id_ordering(const Seen& s) { return (s.tlp.attributes & kIdOrdering) == 0; }

bool interrupt_is_one_word(const Seen& s) {
  return !in_message_window(s.tlp) || (s.tlp.length_dw == 1 && s.tlp.first_be == 0xf);
}
bool interrupt_attributes_clear(const Seen& s) {
  return !in_message_window(s.tlp) || (s.tlp.attributes & (kNoSnoop | kRelaxedOrdering)) == 0;
}

// ---- Configuration requests and messages

bool config_one_word(const Seen& s) { return s.tlp.length_dw == 1; }
bool config_no_attributes(const Seen& s) { return s.tlp.attributes == 0; }
bool config_type0(const Seen& s) { return s.tlp.kind == TlpKind::ConfigRead0 || s.tlp.kind == TlpKind::ConfigWrite0; }
bool config_device0(const Seen& s) { return ((s.tlp.target >> 3) & 0x1f) == 0; }

bool message_known(const Seen& s) {
  const std::uint8_t code = s.tlp.message_code;
  const std::uint8_t routing = s.tlp.message_routing;
  if (code >= 0x20 && code <= 0x27) return routing == 4;                  // INTx
  if (code == 0x30 || code == 0x31 || code == 0x33) return routing == 0;  // error messages
  switch (code) {
    case 0x10:
      return routing == 4;  // LTR
    case 0x18:
      return routing == 0;  // PM_PME
    case 0x19:
      return routing == 3;  // PME_Turn_Off
    case 0x1b:
      return routing == 5;  // PME_TO_Ack
    case 0x50:
      return routing == 4 && s.tlp.kind == TlpKind::MessageData;  // Set_Slot_Power_Limit
    case 0x7e:
    case 0x7f:
      return routing == 0 || routing == 2 || routing == 3 || routing == 4;  // vendor defined
    default:
      return false;
  }
}

// ---- Completions

bool answers_a_request(const Seen& s) { return s.request != nullptr; }
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
bool traffic_class_returned(const Seen& s) { return s.tlp.traffic_class == s.request->request.traffic_class; }
bool attributes_returned(const Seen& s) { return s.tlp.attributes == s.request->request.attributes; }

bool data_where_asked(const Seen& s) {
  if (s.tlp.status != CompletionStatus::Success) return true;
  const TlpKind kind = s.request->request.kind;
  const bool read = kind == TlpKind::MemoryRead || kind == TlpKind::ConfigRead0 || kind == TlpKind::ConfigRead1;
  return (s.tlp.kind == TlpKind::CompletionData) == read;
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
bool config_completion_shape(const Seen& s) {
  const bool data = s.tlp.kind == TlpKind::CompletionData;
  return s.tlp.byte_count == 4 && s.tlp.lower_address == 0 && (!data || s.tlp.length_dw == 1);
}

using enum RuleScope;
constexpr ProtocolRule kRules[] = {
    {"P-FORMAT", "2.2.1", "format and type name a TLP", Tracker, nullptr},
    {"P-FIELD-RANGE", "2.2.1", "every field holds a value that exists", Any, fields_in_range},
    {"P-PAYLOAD-LENGTH", "2.2.2", "the payload is as long as Length says", Any, payload_as_long_as_said},
    {"P-PAYLOAD-MAX", "2.2.2", "the payload is at most Max_Payload_Size", Any, payload_within_limit},
    {"P-ADDRESS-FORMAT", "2.2.4.1", "an address below 4 GiB has a header of three double words", Any,
     short_address_short_header},
    {"P-RESERVED", "2.2.1", "reserved and unused header bits are zero", Any, reserved_bits_clear},
    {"P-TRAFFIC-CLASS", "2.2.6.6", "only traffic class 0 is mapped to a virtual channel", Request,
     default_traffic_class},
    {"P-POISONED", "2.7.2", "no data is poisoned", Any, not_poisoned},

    {"P-LAST-BE-SINGLE", "2.2.5", "a request of one double word has no last byte enables", Request,
     single_has_no_last_be},
    {"P-LAST-BE-ZERO", "2.2.5", "a request of several double words has last byte enables", Memory,
     several_have_last_be},
    {"P-FIRST-BE-ZERO", "2.2.5", "a request of several double words has first byte enables", Memory,
     several_have_first_be},
    {"P-BE-CONTIGUOUS", "2.2.5", "byte enables of a request longer than a quad word have no holes", Memory,
     byte_enables_contiguous},
    {"P-PAGE-CROSSING", "2.2.7", "no request crosses a 4 KiB boundary", Memory, within_one_page},
    {"P-ADDRESS-ALIGNED", "2.2.4.1", "the address is a double word's", Memory, address_aligned},
    {"P-READ-SIZE", "7.5.3.4", "a read asks for at most Max_Read_Request_Size", TxMemory, read_within_limit},
    {"P-REQUEST-KIND", "7.3", "an endpoint sends no configuration request", TxRequest, endpoint_may_send},
    {"P-REQUESTER-ID", "2.2.6.2", "the requester ID is the one that was captured", TxRequest, own_requester_id},
    {"P-TAG-RANGE", "2.2.6.2", "without Extended Tag Field Enable a tag is at most 31", TxRequest, tag_in_range},
    {"P-TAG-REUSE", "2.2.6.2", "no tag is used again while its request is outstanding", Tracker, nullptr},
    {"P-BUS-MASTER", "7.5.1.1.3", "no memory request is sent while Bus Master Enable is clear", TxMemory,
     bus_master_on},
    {"P-D-STATE", "5.3.1", "outside D0 a function sends no request but PM_PME and error messages", TxRequest, awake},
    {"P-RELAXED-ORDERING", "7.5.3.4", "relaxed ordering is used only while it is enabled", TxRequest,
     relaxed_only_when_enabled},
    {"P-NO-SNOOP", "7.5.3.4", "no snoop is used only while it is enabled", TxRequest, no_snoop_only_when_enabled},
    {"P-ID-ORDERING", "2.2.6.4", "ID-based ordering is not used while it is not enabled", TxRequest, no_id_ordering},
    {"P-INTERRUPT-SIZE", "6.1.4", "an interrupt message is one whole double word", TxMemory, interrupt_is_one_word},
    {"P-INTERRUPT-ATTRIBUTES", "6.1.4", "an interrupt message has neither no snoop nor relaxed ordering", TxMemory,
     interrupt_attributes_clear},

    {"P-CONFIG-LENGTH", "2.2.7", "a configuration request is one double word", Config, config_one_word},
    {"P-CONFIG-ATTRIBUTES", "2.2.7", "a configuration request has no attributes", Config, config_no_attributes},
    {"P-CONFIG-TYPE", "7.3.3", "a configuration request reaches an endpoint as Type 0", Config, config_type0},
    {"P-CONFIG-DEVICE", "7.3.1", "the only device below a link is device 0", Config, config_device0},
    {"P-MESSAGE", "2.2.8", "the message exists and is routed as its code demands", Message, message_known},

    {"P-CPL-UNEXPECTED", "2.3.2", "a completion answers an outstanding request", Completion, answers_a_request},
    {"P-CPL-STATUS", "2.2.9", "the completion status exists", Completion, status_known},
    {"P-CPL-DATA-STATUS", "2.2.9", "only a successful completion carries data", Completion, data_only_with_success},
    {"P-COMPLETER-ID", "2.2.9", "the completer ID is the one that was captured", Completion, own_completer_id},
    {"P-CPL-TRAFFIC-CLASS", "2.2.9", "a completion has its request's traffic class", MatchedCompletion,
     traffic_class_returned},
    {"P-CPL-ATTRIBUTES", "2.2.9", "a completion has its request's attributes", MatchedCompletion, attributes_returned},
    {"P-CPL-KIND", "2.2.9", "reads, and nothing else, are answered with data", MatchedCompletion, data_where_asked},
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
    {"P-CPL-CONFIG", "2.2.9", "a configuration completion has byte count 4 and lower address 0", ConfigCompletion,
     config_completion_shape},
    {"P-CPL-MISSING", "2.3.1", "every non-posted request gets a complete set of completions", Tracker, nullptr},
};

}  // namespace

std::span<const ProtocolRule> protocol_rules() { return kRules; }

const ProtocolRule& protocol_rule(std::string_view name) {
  const auto* const found = std::find_if(std::begin(kRules), std::end(kRules),
                                         [name](const ProtocolRule& rule) { return rule.name == name; });
  HOLDOVER_CHECK(found != std::end(kRules));
  return *found;
}

bool applies(RuleScope scope, const Observation& seen) {
  const TlpKind kind = seen.tlp.kind;
  const bool completion = pcie::is_completion(kind);
  const bool tx = seen.direction == Direction::Tx;
  const bool matched = completion && seen.request != nullptr;
  switch (scope) {
    case Any:
      return true;
    case Request:
      return !completion;
    case Memory:
      return is_memory(kind);
    case TxRequest:
      return !completion && tx;
    case TxMemory:
      return is_memory(kind) && tx;
    case Config:
      return pcie::is_config(kind);
    case Message:
      return is_message(kind);
    case Completion:
      return completion;
    case MatchedCompletion:
      return matched;
    case MemoryCompletion:
      return matched && seen.request->request.kind == TlpKind::MemoryRead && kind == TlpKind::CompletionData &&
             seen.tlp.status == CompletionStatus::Success;
    case ConfigCompletion:
      return matched && pcie::is_config(seen.request->request.kind);
    case Tracker:
      return false;
  }
  return false;
}

unsigned delivered_bytes(const pcie::Tlp& completion, const OutstandingRequest& request) {
  const unsigned lead = static_cast<unsigned>(request.next & 3);
  const unsigned most = completion.length_dw * 4u;
  return std::min(request.remaining, most > lead ? most - lead : 0u);
}

}  // namespace holdover::sim
