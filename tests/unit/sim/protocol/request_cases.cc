// SPDX-License-Identifier: MIT
// Memory requests and interrupt messages of the endpoint.
#include "tests/unit/sim/protocol/rule_case.h"

namespace holdover::sim::rule_cases {
namespace {

Tlp interrupt() { return write(0xfee0'0000, 4); }

const RuleCase kCases[] = {
    {"P-LAST-BE-SINGLE", [](Test& t) { t.tx(with_byte_enables(write(0, 4), 15, 1)); },
     [](Test& t) { t.tx(with_byte_enables(write(0, 4), 0b1001, 0)); }},
    {"P-LAST-BE-ZERO", [](Test& t) { t.tx(with_byte_enables(write(0, 8), 15, 0)); },
     [](Test& t) { t.tx(with_byte_enables(write(0, 8), 15, 1)); }},
    {"P-FIRST-BE-ZERO", [](Test& t) { t.tx(with_byte_enables(write(0, 8), 0, 15)); },
     [](Test& t) { t.tx(with_byte_enables(write(0, 4), 0, 0)); }},
    {"P-FIRST-BE-HOLES", [](Test& t) { t.tx(with_byte_enables(write(4, 8), 0b0111, 15)); },
     [](Test& t) { t.tx(with_byte_enables(write(8, 8), 0b0111, 15)); }},
    {"P-LAST-BE-HOLES", [](Test& t) { t.tx(with_byte_enables(write(0, 12), 15, 0b1110)); },
     [](Test& t) { t.tx(with_byte_enables(write(0, 12), 8, 0b0111)); }},
    {"P-PAGE-CROSSING", [](Test& t) { t.tx(write(0xffc, 8)); }, [](Test& t) { t.tx(write(0xff8, 8)); }},
    {"P-ADDRESS-ALIGNED", [](Test& t) { t.tx(write(2, 4)); },
     [](Test& t) { t.tx(with_byte_enables(write(4, 4), 0b1100, 0)); }},
    {"P-READ-SIZE", [](Test& t) { t.tx(read(0, 516)); }, [](Test& t) { t.tx(read(0, 512)); }},
    {"P-REQUEST-KIND", [](Test& t) { t.tx(from(kEndpoint, config_read())); }, [](Test& t) { t.rx(config_read()); }},
    {"P-REQUESTER-ID", [](Test& t) { t.tx(from(0x0200, write(0, 4))); }, [](Test& t) { t.tx(write(0, 4)); }},
    {"P-UNCAPTURED",
     [](Test& t) {
       t.state_.bdf = 0;
       t.tx(from(0, read(0, 4)));
     },
     [](Test& t) {
       t.state_.bdf = 0;
       t.tx(from(0, write(0, 4)));
     }},
    {"P-HOST-REQUESTER", [](Test& t) { t.rx(from(kEndpoint, config_read())); },
     [](Test& t) { t.rx(from(kEndpoint + 1, config_read())); }},
    {"P-TAG-RANGE",
     [](Test& t) {
       t.state_.extended_tag = false;
       t.tx(read(0, 4, 32));
     },
     [](Test& t) {
       t.tx(read(0, 4, 32));
       t.state_.extended_tag = false;
       t.tx(read(0, 4, 31));
       t.tx(edited(write(0, 4), [](Tlp& w) { w.tag = 32; }));
     }},
    {"P-TAG-REUSE",
     [](Test& t) {
       t.tx(read(0, 4, 7));
       t.tx(read(0, 4, 7));
     },
     [](Test& t) {
       t.tx(read(0, 4, 7));
       t.rx(completion(read(0, 4, 7), 4, 4));
       t.tx(read(0, 4, 7));
     }},
    {"P-BUS-MASTER",
     [](Test& t) {
       t.state_.bus_master = false;
       t.tx(read(0, 4));
     },
     [](Test& t) {
       t.state_.bus_master = false;
       t.tx(pme());
     }},
    {"P-D-STATE",
     [](Test& t) {
       t.state_.d_state = 3;
       t.tx(write(0, 4));
     },
     [](Test& t) {
       t.state_.d_state = 3;
       t.tx(pme());
       t.tx(message(pcie::kMessageErrorNonFatal, 0));
     }},
    {"P-TRAFFIC-CLASS", [](Test& t) { t.tx(with_class(write(0, 4), 1)); }, [](Test& t) { t.tx(write(0, 4)); }},
    {"P-RELAXED-ORDERING",
     [](Test& t) {
       t.state_.relaxed_ordering = false;
       t.tx(with_attributes(write(0, 4), kRelaxed));
     },
     [](Test& t) { t.tx(with_attributes(write(0, 4), kRelaxed)); }},
    {"P-NO-SNOOP", [](Test& t) { t.tx(with_attributes(write(0, 4), kNoSnoop)); },
     [](Test& t) {
       t.state_.no_snoop = true;
       t.tx(with_attributes(write(0, 4), kNoSnoop));
     }},
    {"P-ID-ORDERING", [](Test& t) { t.tx(with_attributes(write(0, 4), kIdOrdering)); },
     [](Test& t) { t.rx(from(kHost, with_attributes(write(0, 4), kIdOrdering))); }},
    {"P-INTERRUPT-LENGTH", [](Test& t) { t.tx(write(0xfee0'0000, 8)); }, [](Test& t) { t.tx(interrupt()); }},
    {"P-INTERRUPT-BE", [](Test& t) { t.tx(with_byte_enables(interrupt(), 3, 0)); },
     [](Test& t) { t.tx(with_byte_enables(write(0xfed0'0000, 4), 3, 0)); }},
    {"P-INTERRUPT-SNOOP",
     [](Test& t) {
       t.state_.no_snoop = true;
       t.tx(with_attributes(interrupt(), kNoSnoop));
     },
     [](Test& t) {
       t.state_.no_snoop = true;
       t.tx(with_attributes(write(0xfef0'0000, 4), kNoSnoop));
     }},
    {"P-INTERRUPT-ORDER", [](Test& t) { t.tx(with_attributes(interrupt(), kRelaxed)); },
     [](Test& t) { t.tx(with_attributes(write(0xfef0'0000, 4), kRelaxed)); }},
};

}  // namespace

std::span<const RuleCase> request_cases() { return kCases; }

}  // namespace holdover::sim::rule_cases
