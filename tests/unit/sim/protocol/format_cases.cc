// SPDX-License-Identifier: MIT
// What a header says of itself: format, length, reserved bits, poison.
#include "tests/unit/sim/protocol/rule_case.h"

namespace holdover::sim::rule_cases {
namespace {

Tlp poisoned(Tlp tlp) {
  tlp.poisoned = true;
  return tlp;
}

const RuleCase kCases[] = {
    {"P-FORMAT", [](Test& t) { t.undecodable(0b000'11111); }, [](Test& t) { t.tx(read(0, 4)); }},
    {"P-PREFIX", [](Test& t) { t.undecodable(0b100'10001); }, [](Test& t) { t.tx(write(0x1'0000'0000, 4)); }},
    {"P-IO-REQUEST", [](Test& t) { t.undecodable(0b010'00010); }, [](Test& t) { t.tx(write(0, 4)); }},
    {"P-LOCKED", [](Test& t) { t.undecodable(0b000'00001); }, [](Test& t) { t.tx(read(0, 4)); }},
    {"P-ATOMIC", [](Test& t) { t.undecodable(0b010'01100); }, [](Test& t) { t.tx(write(0, 8)); }},
    {"P-FIELD-RANGE", [](Test& t) { t.tx(edited(write(0, 4), [](Tlp& w) { w.tag = 0x100; })); },
     [](Test& t) { t.tx(edited(write(0, 4), [](Tlp& w) { w.tag = 0xff; })); }},
    {"P-PAYLOAD-LENGTH", [](Test& t) { t.tx(edited(write(0, 64), [](Tlp& w) { w.payload.resize(60); })); },
     [](Test& t) { t.tx(write(0, 60)); }},
    {"P-PAYLOAD-MAX", [](Test& t) { t.tx(write(0, 260)); }, [](Test& t) { t.tx(write(0, 256)); }},
    {"P-LENGTH-RESERVED", [](Test& t) { t.tx(with_length(pme(), 1)); }, [](Test& t) { t.tx(pme()); }},
    {"P-ADDRESS-FORMAT",
     [](Test& t) {
       pcie::TlpHeader raw = pcie::encode_header(write(0x1000, 4));
       raw[0] |= 1u << 29;
       raw[3] = raw[2];
       raw[2] = 0;
       t.tx_raw(write(0x1000, 4), raw);
     },
     [](Test& t) { t.tx_bits(write(0x1'0000'0000, 4), 0, 1u << 29); }},
    {"P-DIGEST", [](Test& t) { t.tx_bits(write(0, 4), 0, 1u << 15); }, [](Test& t) { t.tx_bits(write(0, 4), 0, 0); }},
    {"P-HINTS", [](Test& t) { t.tx_bits(read(0, 4), 0, 1u << 16); }, [](Test& t) { t.tx_bits(read(0, 4), 0, 0); }},
    {"P-ADDRESS-TYPE", [](Test& t) { t.tx_bits(read(0, 4), 0, 1u << 10); },
     [](Test& t) { t.tx_bits(read(0, 512), 0, 0); }},
    {"P-LIGHTWEIGHT", [](Test& t) { t.tx_bits(read(0, 4), 0, 1u << 17); },
     [](Test& t) { t.tx_bits(with_attributes(read(0, 4), kRelaxed), 0, 0); }},
    {"P-TAG-HIGH", [](Test& t) { t.tx_bits(read(0, 4), 0, 1u << 19); },
     [](Test& t) { t.tx_bits(read(0, 4, 0xff), 0, 0); }},
    {"P-CPL-MODIFIED",
     [](Test& t) {
       t.rx(config_read());
       t.tx_bits(completion(config_read(), 4, 4), 1, 1u << 12);
     },
     [](Test& t) {
       t.rx(config_read());
       t.tx_bits(completion(config_read(), 4, 4), 1, 0);
     }},
    {"P-RESERVED", [](Test& t) { t.tx_bits(write(0x1000, 4), 2, 1); },
     [](Test& t) { t.tx_bits(write(0x1000, 4), 2, 0); }},
    {"P-POISONED-EMPTY", [](Test& t) { t.tx(poisoned(read(0, 4))); }, [](Test& t) { t.tx(read(0, 4)); }},
    {"P-POISONED", [](Test& t) { t.tx(poisoned(write(0, 4))); }, [](Test& t) { t.tx(write(0, 4)); }},
};

}  // namespace

std::span<const RuleCase> format_cases() { return kCases; }

}  // namespace holdover::sim::rule_cases
