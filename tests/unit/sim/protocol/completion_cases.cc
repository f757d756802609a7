// SPDX-License-Identifier: MIT
// Completions, of both sides.
#include "tests/unit/sim/protocol/rule_case.h"

namespace holdover::sim::rule_cases {
namespace {

Tlp by(pcie::RequesterId completer, Tlp tlp) {
  tlp.completer = completer;
  return tlp;
}
Tlp counting(Tlp tlp, unsigned bytes) {
  tlp.byte_count = static_cast<std::uint16_t>(bytes);
  return tlp;
}
Tlp at_lower_address(Tlp tlp, unsigned lower_address) {
  tlp.lower_address = static_cast<std::uint8_t>(lower_address);
  return tlp;
}
Tlp with_status(Tlp tlp, CompletionStatus status) {
  tlp.status = status;
  return tlp;
}
Tlp host_read() { return from(kHost, read(0, 4)); }
// A read that is outstanding at the endpoint's edge.
void ask(Test& t, unsigned bytes = 4) { t.tx(read(0, bytes)); }

const RuleCase kCases[] = {
    {"P-CPL-UNEXPECTED", [](Test& t) { t.rx(answer()); },
     [](Test& t) {
       ask(t);
       t.rx(answer());
     }},
    {"P-CPL-AFTER-FINAL",
     [](Test& t) {
       ask(t);
       t.rx(answer());
       t.rx(answer());
     },
     [](Test& t) {
       ask(t);
       t.rx(answer());
       ask(t);
       t.rx(answer());
     }},
    {"P-CPL-EPOCH",
     [](Test& t) {
       ask(t);
       t.checker_.reset(0, ResetKind::LinkDown);
       t.rx(answer());
     },
     [](Test& t) {
       ask(t);
       t.checker_.reset(0, ResetKind::Flr);
       t.rx(answer());
     }},
    {"P-CPL-MISSING",
     [](Test& t) {
       ask(t, 128);
       t.rx(completion(read(0, 128), 128, 64));
       t.checker_.finish(t.now_, Time{0});
     },
     [](Test& t) {
       ask(t, 128);
       t.rx(completion(read(0, 128), 128, 64));
       t.rx(completion(read(0, 128), 64, 64));
       t.checker_.finish(t.now_, Time{0});
     }},
    {"P-CPL-STATUS",
     [](Test& t) {
       ask(t);
       t.rx(failure(read(0, 4), static_cast<CompletionStatus>(3)));
     },
     [](Test& t) {
       ask(t);
       t.rx(failure(read(0, 4), CompletionStatus::CompleterAbort));
     }},
    {"P-CPL-DATA-STATUS",
     [](Test& t) {
       ask(t);
       t.rx(with_status(answer(), CompletionStatus::CompleterAbort));
     },
     [](Test& t) {
       ask(t);
       t.rx(failure(read(0, 4), CompletionStatus::UnsupportedRequest));
     }},
    {"P-COMPLETER-ID",
     [](Test& t) {
       t.rx(config_read());
       t.tx(by(0x0200, completion(config_read(), 4, 4)));
     },
     [](Test& t) {
       ask(t);
       t.rx(by(0x0200, answer()));
     }},
    {"P-CPL-SELF",
     [](Test& t) {
       ask(t);
       t.rx(by(kEndpoint, answer()));
     },
     [](Test& t) {
       ask(t);
       t.rx(by(kEndpoint + 1, answer()));
     }},
    {"P-CPL-ID-ORDERING",
     [](Test& t) {
       t.rx(host_read());
       t.tx(with_attributes(completion(host_read(), 4, 4), kIdOrdering));
     },
     [](Test& t) {
       ask(t);
       t.rx(with_attributes(answer(), kIdOrdering));
     }},
    {"P-CPL-TRAFFIC-CLASS",
     [](Test& t) {
       ask(t);
       t.rx(with_class(answer(), 2));
     },
     [](Test& t) {
       ask(t);
       t.rx(with_class(answer(), 0));
     }},
    {"P-CPL-ATTRIBUTES",
     [](Test& t) {
       ask(t);
       t.rx(with_attributes(answer(), kRelaxed));
     },
     [](Test& t) {
       const Tlp request = with_attributes(read(0, 4), kRelaxed);
       t.tx(request);
       t.rx(completion(request, 4, 4));
     }},
    {"P-CPL-DATA-MISSING",
     [](Test& t) {
       ask(t);
       t.rx(failure(read(0, 4), CompletionStatus::Success));
     },
     [](Test& t) {
       t.rx(config_write());
       t.tx(plain_completion(config_write()));
     }},
    {"P-CPL-DATA-UNASKED",
     [](Test& t) {
       t.rx(config_write());
       t.tx(completion(config_write(), 4, 4));
     },
     [](Test& t) {
       t.rx(config_read());
       t.tx(completion(config_read(), 4, 4));
     }},
    {"P-CPL-RETRY",
     [](Test& t) {
       ask(t);
       t.rx(failure(read(0, 4), CompletionStatus::RequestRetry));
     },
     [](Test& t) {
       t.rx(config_read());
       t.tx(failure(config_read(), CompletionStatus::RequestRetry));
     }},
    {"P-CPL-BYTE-COUNT",
     [](Test& t) {
       ask(t, 128);
       t.rx(counting(completion(read(0, 128), 128, 64), 64));
     },
     [](Test& t) {
       ask(t, 128);
       t.rx(completion(read(0, 128), 128, 64));
       t.rx(completion(read(0, 128), 64, 64));
     }},
    {"P-CPL-LOWER-ADDRESS",
     [](Test& t) {
       ask(t, 128);
       t.rx(at_lower_address(completion(read(0, 128), 128, 64), 64));
     },
     [](Test& t) {
       t.tx(with_byte_enables(read(0x40, 64), 8, 15));
       t.rx(at_lower_address(completion(read(0x40, 64), 61, 61), 0x43));
     }},
    {"P-CPL-EXCESS",
     [](Test& t) {
       ask(t, 64);
       t.rx(completion(read(0, 64), 64, 68));
     },
     [](Test& t) {
       ask(t, 64);
       t.rx(completion(read(0, 64), 64, 64));
     }},
    {"P-CPL-BOUNDARY",
     [](Test& t) {
       ask(t, 128);
       t.rx(completion(read(0, 128), 128, 32));
     },
     [](Test& t) {
       t.tx(read(32, 64));
       t.rx(completion(read(32, 64), 64, 32));
     }},
    {"P-CPL-DECODE",
     [](Test& t) {
       t.state_.memory = false;
       t.rx(host_read());
       t.tx(completion(host_read(), 4, 4));
     },
     [](Test& t) {
       t.rx(host_read());
       t.state_.memory = false;
       t.tx(completion(host_read(), 4, 4));
     }},
    {"P-CPL-D-STATE",
     [](Test& t) {
       t.state_.d_state = 3;
       t.rx(host_read());
       t.tx(completion(host_read(), 4, 4));
     },
     [](Test& t) {
       t.state_.d_state = 3;
       t.rx(host_read());
       t.tx(failure(host_read(), CompletionStatus::UnsupportedRequest));
     }},
    {"P-CPL-CONFIG-COUNT",
     [](Test& t) {
       t.rx(config_read());
       t.tx(counting(completion(config_read(), 4, 4), 2));
     },
     [](Test& t) {
       t.rx(with_byte_enables(config_read(), 3, 0));
       t.tx(completion(config_read(), 4, 4));
     }},
    {"P-CPL-CONFIG-ADDRESS",
     [](Test& t) {
       t.rx(config_read());
       t.tx(at_lower_address(completion(config_read(), 4, 4), 4));
     },
     [](Test& t) {
       t.rx(in_register(config_read(), 4));
       t.tx(completion(config_read(), 4, 4));
     }},
    {"P-CPL-CONFIG-LENGTH",
     [](Test& t) {
       t.rx(config_read());
       t.tx(completion(config_read(), 4, 8));
     },
     [](Test& t) {
       t.rx(config_read());
       t.tx(completion(config_read(), 4, 4));
     }},
};

}  // namespace

std::span<const RuleCase> completion_cases() { return kCases; }

}  // namespace holdover::sim::rule_cases
