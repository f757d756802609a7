// SPDX-License-Identifier: MIT
// Memory requests, and what every request has: requester ID, tag, attributes, leave to be sent.
#include <bit>

#include "sim/protocol/rule_tables.h"

namespace holdover::sim::protocol {
namespace {

using pcie::FlowClass;
using pcie::Tlp;
using pcie::TlpKind;
using Seen = Observation;

constexpr std::uint8_t kPmPme = 0x18;
constexpr std::uint8_t kPmeToAck = 0x1b;

// Whether the four low bits are one run of ones.
bool is_run(unsigned be) {
  if (be == 0) return false;
  const unsigned low = be >> std::countr_zero(be);
  return (low & (low + 1)) == 0;
}

bool in_message_window(const Tlp& tlp) {
  return tlp.kind == TlpKind::MemoryWrite && (tlp.address >> 20) == (kPlatformMap.msi_window.raw() >> 20);
}

// A request of one quad word may have holes (PCIe 5.0, 2.2.5), and zero byte enables have rules of their own.
bool may_have_holes(const Tlp& t) {
  return t.length_dw <= 1 || t.first_be == 0 || t.last_be == 0 || (t.length_dw == 2 && t.address % 8 == 0);
}

bool several_have_last_be(const Seen& s) { return s.tlp.length_dw <= 1 || s.tlp.last_be != 0; }
bool several_have_first_be(const Seen& s) { return s.tlp.length_dw <= 1 || s.tlp.first_be != 0; }
bool single_has_no_last_be(const Seen& s) { return s.tlp.length_dw != 1 || s.tlp.last_be == 0; }
bool first_be_reaches_end(const Seen& s) {
  return may_have_holes(s.tlp) || (is_run(s.tlp.first_be) && (s.tlp.first_be & 8) != 0);
}
bool last_be_begins_at_start(const Seen& s) {
  return may_have_holes(s.tlp) || (is_run(s.tlp.last_be) && (s.tlp.last_be & 1) != 0);
}
bool within_one_page(const Seen& s) { return (s.tlp.address & 0xfff) + s.tlp.length_dw * 4u <= 4096; }
bool address_aligned(const Seen& s) { return s.tlp.address % 4 == 0; }
bool read_within_limit(const Seen& s) {
  return s.tlp.kind != TlpKind::MemoryRead || s.tlp.length_dw * 4u <= 128u << s.state.max_read_request;
}

bool endpoint_may_send(const Seen& s) { return !pcie::is_config(s.tlp.kind); }
bool own_requester_id(const Seen& s) { return s.tlp.requester == s.state.bdf; }
// Bus 0 is inside the root complex: nothing below a link has it.
bool bus_number_captured(const Seen& s) {
  return pcie::flow_class(s.tlp.kind) != FlowClass::NonPosted || (s.state.bdf >> 8) != 0;
}
bool from_somebody_else(const Seen& s) { return (s.state.bdf >> 8) == 0 || s.tlp.requester != s.state.bdf; }
bool tag_in_range(const Seen& s) {
  return pcie::flow_class(s.tlp.kind) != FlowClass::NonPosted || s.state.extended_tag || s.tlp.tag <= 31;
}
bool bus_master_on(const Seen& s) { return s.state.bus_master; }
bool awake(const Seen& s) {
  if (s.state.d_state == 0 || pcie::is_error_message(s.tlp)) return true;
  return s.tlp.kind == TlpKind::Message && (s.tlp.message_code == kPmPme || s.tlp.message_code == kPmeToAck);
}

bool default_traffic_class(const Seen& s) { return s.tlp.traffic_class == 0 || !has_free_attributes(s.tlp); }
bool relaxed_only_when_enabled(const Seen& s) {
  return (s.tlp.attributes & kRelaxedOrdering) == 0 || s.state.relaxed_ordering || !has_free_attributes(s.tlp);
}
bool no_snoop_only_when_enabled(const Seen& s) {
  return (s.tlp.attributes & kNoSnoop) == 0 || s.state.no_snoop || !has_free_attributes(s.tlp);
}
bool no_id_ordering(const Seen& s) { return (s.tlp.attributes & kIdOrdering) == 0 || !has_free_attributes(s.tlp); }

bool interrupt_is_one_word(const Seen& s) { return !in_message_window(s.tlp) || s.tlp.length_dw == 1; }
bool interrupt_is_whole(const Seen& s) {
  return !in_message_window(s.tlp) || s.tlp.length_dw != 1 || s.tlp.first_be == 0xf;
}
bool interrupt_snoops(const Seen& s) { return !in_message_window(s.tlp) || (s.tlp.attributes & kNoSnoop) == 0; }
bool interrupt_in_order(const Seen& s) {
  return !in_message_window(s.tlp) || (s.tlp.attributes & kRelaxedOrdering) == 0;
}

using enum RuleScope;
constexpr ProtocolRule kRules[] = {
    {"P-LAST-BE-SINGLE", "2.2.5", "a request of one double word has no last byte enables", Memory,
     single_has_no_last_be},
    {"P-LAST-BE-ZERO", "2.2.5", "a request of several double words has last byte enables", Memory,
     several_have_last_be},
    {"P-FIRST-BE-ZERO", "2.2.5", "a request of several double words has first byte enables", Memory,
     several_have_first_be},
    {"P-FIRST-BE-HOLES", "2.2.5", "first byte enables of a request longer than a quad word run to the last byte",
     Memory, first_be_reaches_end},
    {"P-LAST-BE-HOLES", "2.2.5", "last byte enables of a request longer than a quad word run from the first byte",
     Memory, last_be_begins_at_start},
    {"P-PAGE-CROSSING", "2.2.7", "no request crosses a 4 KiB boundary", Memory, within_one_page},
    {"P-ADDRESS-ALIGNED", "2.2.4.1", "the address is a double word's", Memory, address_aligned},
    {"P-READ-SIZE", "7.5.3.4", "a read asks for at most Max_Read_Request_Size", TxMemory, read_within_limit},
    {"P-REQUEST-KIND", "7.3", "an endpoint sends no configuration request", TxRequest, endpoint_may_send},
    {"P-REQUESTER-ID", "2.2.6.2", "the requester ID is the one that was captured", TxRequest, own_requester_id},
    {"P-UNCAPTURED", "2.2.6.2", "no non-posted request is sent before a bus number was captured", TxRequest,
     bus_number_captured},
    {"P-HOST-REQUESTER", "2.2.6.2", "no request towards a function has the function's own ID", RxRequest,
     from_somebody_else},
    {"P-TAG-RANGE", "2.2.6.2", "without Extended Tag Field Enable a tag is at most 31", TxRequest, tag_in_range},
    {"P-TAG-REUSE", "2.2.6.2", "no tag is used again while its request is outstanding", Tracker, nullptr},
    {"P-BUS-MASTER", "7.5.1.1.3", "no memory request is sent while Bus Master Enable is clear", TxMemory,
     bus_master_on},
    {"P-D-STATE", "5.3.1", "outside D0 a function sends no request but PM_PME, PME_TO_Ack and error messages",
     TxRequest, awake},
    {"P-TRAFFIC-CLASS", "2.2.6.6", "only traffic class 0 is mapped to a virtual channel", Request,
     default_traffic_class},
    {"P-RELAXED-ORDERING", "7.5.3.4", "relaxed ordering is used only while it is enabled", TxRequest,
     relaxed_only_when_enabled},
    {"P-NO-SNOOP", "7.5.3.4", "no snoop is used only while it is enabled", TxRequest, no_snoop_only_when_enabled},
    {"P-ID-ORDERING", "2.2.6.4", "ID-based ordering is not used while it is not enabled", TxRequest, no_id_ordering},
    {"P-INTERRUPT-LENGTH", "6.1.4", "an interrupt message is one double word", TxMemory, interrupt_is_one_word},
    {"P-INTERRUPT-BE", "6.1.4", "an interrupt message has all its byte enables", TxMemory, interrupt_is_whole},
    {"P-INTERRUPT-SNOOP", "6.1.4", "an interrupt message is not sent with no snoop", TxMemory, interrupt_snoops},
    {"P-INTERRUPT-ORDER", "6.1.4", "an interrupt message is not sent with relaxed ordering", TxMemory,
     interrupt_in_order},
};

}  // namespace

std::span<const ProtocolRule> request_rules() { return kRules; }

}  // namespace holdover::sim::protocol
