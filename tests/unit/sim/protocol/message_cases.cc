// SPDX-License-Identifier: MIT
// Messages.
#include "tests/unit/sim/protocol/rule_case.h"

namespace holdover::sim::rule_cases {
namespace {

const RuleCase kCases[] = {
    {"P-MESSAGE-CODE", [](Test& t) { t.tx(message(0x32, 0)); }, [](Test& t) { t.tx(message(0x33, 0)); }},
    {"P-MESSAGE-ROUTING", [](Test& t) { t.tx(message(0x18, 3)); }, [](Test& t) { t.tx(message(0x18, 0)); }},
    {"P-MESSAGE-DATA",
     [](Test& t) {
       t.tx(edited(message(0x30, 0), [](Tlp& m) {
         m.kind = TlpKind::MessageData;
         m.length_dw = 1;
         m.payload.resize(4);
       }));
     },
     [](Test& t) {
       t.tx(edited(message(0x7f, 0), [](Tlp& m) {
         m.kind = TlpKind::MessageData;
         m.length_dw = 1;
         m.payload.resize(4);
       }));
     }},
    {"P-MESSAGE-DIRECTION", [](Test& t) { t.tx(message(0x19, 3)); },
     [](Test& t) { t.rx(from(kHost, message(0x19, 3))); }},
    {"P-MESSAGE-CLASS", [](Test& t) { t.tx(with_class(message(0x30, 0), 1)); },
     [](Test& t) { t.rx(from(kHost, message(0x7f, 4))); }},
    {"P-MESSAGE-ATTRIBUTES", [](Test& t) { t.tx(with_attributes(pme(), kRelaxed)); },
     [](Test& t) { t.tx(with_attributes(message(0x7f, 0), kRelaxed)); }},
    {"P-MESSAGE-RESERVED", [](Test& t) { t.tx(edited(pme(), [](Tlp& m) { m.address = 1; })); },
     [](Test& t) { t.tx(edited(message(0x10, 4), [](Tlp& m) { m.address = 1; })); }},
    {"P-INTX", [](Test& t) { t.tx(message(0x20, 4)); }, [](Test& t) { t.tx(message(0x10, 4)); }},
    {"P-PME-ACK",
     [](Test& t) {
       t.rx(from(kHost, message(0x19, 3)));
       t.tx(message(0x1b, 5));
       t.tx(message(0x1b, 5));
     },
     [](Test& t) {
       t.rx(from(kHost, message(0x19, 3)));
       t.tx(message(0x1b, 5));
     }},
};

}  // namespace

std::span<const RuleCase> message_cases() { return kCases; }

}  // namespace holdover::sim::rule_cases
