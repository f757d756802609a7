// SPDX-License-Identifier: MIT
// Configuration requests.
#include "sim/protocol/rule_tables.h"

namespace holdover::sim::protocol {
namespace {

using pcie::TlpKind;
using Seen = Observation;

bool one_word(const Seen& s) { return s.tlp.length_dw == 1; }
bool no_last_be(const Seen& s) { return s.tlp.last_be == 0; }
bool no_attributes(const Seen& s) { return s.tlp.attributes == 0; }
bool traffic_class_0(const Seen& s) { return s.tlp.traffic_class == 0; }
bool type_0(const Seen& s) { return s.tlp.kind == TlpKind::ConfigRead0 || s.tlp.kind == TlpKind::ConfigWrite0; }
bool device_0(const Seen& s) { return ((s.tlp.target >> 3) & 0x1f) == 0; }
bool register_exists(const Seen& s) { return s.tlp.register_offset % 4 == 0 && s.tlp.register_offset < 4096; }

using enum RuleScope;
constexpr ProtocolRule kRules[] = {
    {"P-CONFIG-LENGTH", "2.2.7", "a configuration request is one double word", Config, one_word},
    {"P-CONFIG-LAST-BE", "2.2.7", "a configuration request has no last byte enables", Config, no_last_be},
    {"P-CONFIG-ATTRIBUTES", "2.2.7", "a configuration request has no attributes", Config, no_attributes},
    {"P-CONFIG-CLASS", "2.2.7", "a configuration request has traffic class 0", Config, traffic_class_0},
    {"P-CONFIG-TYPE", "7.3.3", "a configuration request reaches an endpoint as Type 0", Config, type_0},
    {"P-CONFIG-DEVICE", "7.3.1", "the only device below a link is device 0", Config, device_0},
    {"P-CONFIG-REGISTER", "2.2.7", "a configuration request names a double word of the 4096 bytes", Config,
     register_exists},
};

}  // namespace

std::span<const ProtocolRule> config_request_rules() { return kRules; }

}  // namespace holdover::sim::protocol
