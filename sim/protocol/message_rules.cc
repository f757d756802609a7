// SPDX-License-Identifier: MIT
// Messages.
#include "sim/protocol/rule_tables.h"

namespace holdover::sim::protocol {
namespace {

using pcie::TlpKind;
using Seen = Observation;

constexpr unsigned kToRoot = 1u << 0;
constexpr unsigned kById = 1u << 2;
constexpr unsigned kBroadcast = 1u << 3;
constexpr unsigned kLocal = 1u << 4;
constexpr unsigned kGathered = 1u << 5;

enum class Data { None, Always, Either };

// What the base specification fixes for a range of message codes. Messages of mechanisms that no endpoint here has
// (OBFF, PTM, page requests) are left out.
struct MessageShape {
  std::uint8_t first;
  std::uint8_t last;
  unsigned routings;  // bits by routing sub-field (PCIe 5.0, table 2-18)
  Data data;
  bool from_endpoint;
  bool to_endpoint;
  bool free_contents;  // bytes 8 to 15 of the header have a meaning
};

constexpr MessageShape kShapes[] = {
    {0x00, 0x00, kBroadcast, Data::None, false, true, false},                             // Unlock
    {0x10, 0x10, kLocal, Data::None, true, false, true},                                  // LTR
    {0x14, 0x14, kLocal, Data::None, false, true, false},                                 // PM_Active_State_Nak
    {0x18, 0x18, kToRoot, Data::None, true, false, false},                                // PM_PME
    {0x19, 0x19, kBroadcast, Data::None, false, true, false},                             // PME_Turn_Off
    {0x1b, 0x1b, kGathered, Data::None, true, false, false},                              // PME_TO_Ack
    {0x20, 0x27, kLocal, Data::None, true, false, false},                                 // INTx
    {0x30, 0x31, kToRoot, Data::None, true, false, false},                                // ERR_COR, ERR_NONFATAL
    {0x33, 0x33, kToRoot, Data::None, true, false, false},                                // ERR_FATAL
    {0x50, 0x50, kLocal, Data::Always, false, true, false},                               // Set_Slot_Power_Limit
    {0x7e, 0x7f, kToRoot | kById | kBroadcast | kLocal, Data::Either, true, true, true},  // Vendor_Defined
};

const MessageShape* shape_of(const pcie::Tlp& message) {
  for (const MessageShape& shape : kShapes) {
    if (message.message_code >= shape.first && message.message_code <= shape.last) return &shape;
  }
  return nullptr;
}

bool code_exists(const Seen& s) { return shape_of(s.tlp) != nullptr; }

bool routed_as_its_code_demands(const Seen& s) {
  const MessageShape* const shape = shape_of(s.tlp);
  return shape == nullptr || ((shape->routings >> s.tlp.message_routing) & 1) != 0;
}

bool data_as_its_code_demands(const Seen& s) {
  const MessageShape* const shape = shape_of(s.tlp);
  if (shape == nullptr || shape->data == Data::Either) return true;
  return (s.tlp.kind == TlpKind::MessageData) == (shape->data == Data::Always);
}

bool goes_its_way(const Seen& s) {
  const MessageShape* const shape = shape_of(s.tlp);
  return shape == nullptr || (s.direction == Direction::Tx ? shape->from_endpoint : shape->to_endpoint);
}

bool contents_reserved(const Seen& s) {
  const MessageShape* const shape = shape_of(s.tlp);
  return shape == nullptr || shape->free_contents || s.tlp.address == 0;
}

bool traffic_class_0(const Seen& s) { return s.tlp.traffic_class == 0 || is_vendor_message(s.tlp); }
bool no_attributes(const Seen& s) { return s.tlp.attributes == 0 || is_vendor_message(s.tlp); }
// No endpoint here has an Interrupt Pin.
bool no_interrupt_pin(const Seen& s) {
  return s.direction == Direction::Rx || s.tlp.message_code < 0x20 || s.tlp.message_code > 0x27;
}

using enum RuleScope;
constexpr ProtocolRule kRules[] = {
    {"P-MESSAGE-CODE", "2.2.8", "the message code exists, and not for a mechanism that no endpoint has", Message,
     code_exists},
    {"P-MESSAGE-ROUTING", "2.2.8", "a message is routed as its code demands", Message, routed_as_its_code_demands},
    {"P-MESSAGE-DATA", "2.2.8", "a message has data where its code demands it, and only there", Message,
     data_as_its_code_demands},
    {"P-MESSAGE-DIRECTION", "2.2.8", "a message goes up or down as its code demands", Message, goes_its_way},
    {"P-MESSAGE-CLASS", "2.2.8", "a message has traffic class 0, unless it is vendor-defined", Message,
     traffic_class_0},
    {"P-MESSAGE-ATTRIBUTES", "2.2.8", "a message has no attributes, unless it is vendor-defined", Message,
     no_attributes},
    {"P-MESSAGE-RESERVED", "2.2.8", "bytes 8 to 15 of a message that gives them no meaning are zero", Message,
     contents_reserved},
    {"P-INTX", "7.5.1.1.13", "a function without an Interrupt Pin sends no INTx message", Message, no_interrupt_pin},
    {"P-PME-ACK", "5.3.3.2.1", "PME_TO_Ack answers a PME_Turn_Off, once", Tracker, nullptr},
};

}  // namespace

std::span<const ProtocolRule> message_rules() { return kRules; }

}  // namespace holdover::sim::protocol
