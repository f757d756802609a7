// SPDX-License-Identifier: MIT
// Configuration requests.
#include "tests/unit/sim/protocol/rule_case.h"

namespace holdover::sim::rule_cases {
namespace {

Tlp as(TlpKind kind, Tlp tlp) {
  tlp.kind = kind;
  return tlp;
}
Tlp to(pcie::RequesterId target, Tlp tlp) {
  tlp.target = target;
  return tlp;
}

const RuleCase kCases[] = {
    {"P-CONFIG-LENGTH", [](Test& t) { t.rx(with_length(config_read(), 2)); }, [](Test& t) { t.rx(config_read()); }},
    {"P-CONFIG-LAST-BE", [](Test& t) { t.rx(with_byte_enables(config_read(), 15, 1)); },
     [](Test& t) { t.rx(with_byte_enables(config_read(), 0b1001, 0)); }},
    {"P-CONFIG-ATTRIBUTES", [](Test& t) { t.rx(with_attributes(config_read(), kRelaxed)); },
     [](Test& t) { t.rx(config_read()); }},
    {"P-CONFIG-CLASS", [](Test& t) { t.rx(with_class(config_read(), 1)); }, [](Test& t) { t.rx(config_read()); }},
    {"P-CONFIG-TYPE", [](Test& t) { t.rx(as(TlpKind::ConfigRead1, config_read())); },
     [](Test& t) { t.rx(config_write()); }},
    {"P-CONFIG-DEVICE", [](Test& t) { t.rx(to(0x0108, config_read())); },
     [](Test& t) { t.rx(to(0x0107, config_read())); }},
    {"P-CONFIG-REGISTER", [](Test& t) { t.rx(in_register(config_read(), 0x1000)); },
     [](Test& t) { t.rx(in_register(config_read(), 0xffc)); }},
};

}  // namespace

std::span<const RuleCase> config_request_cases() { return kCases; }

}  // namespace holdover::sim::rule_cases
