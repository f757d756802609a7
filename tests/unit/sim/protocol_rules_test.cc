// SPDX-License-Identifier: MIT
// Every rule is broken by a planted deviation, found by that rule alone, and held by the nearest legal neighbour.
#include "sim/protocol_rules.h"

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "protocol_checker_fixture.h"

namespace holdover::sim {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Test = ProtocolCheckerTest;

constexpr unsigned kNoSnoop = 1;
constexpr unsigned kRelaxed = 2;
constexpr unsigned kIdOrdering = 4;

struct Case {
  const char* rule;
  void (*violate)(Test&);
  void (*near_miss)(Test&);
};

template <typename Edit>
Tlp edited(Tlp tlp, Edit edit) {
  edit(tlp);
  return tlp;
}

Tlp with_byte_enables(Tlp tlp, unsigned first, unsigned last) {
  tlp.first_be = static_cast<std::uint8_t>(first);
  tlp.last_be = static_cast<std::uint8_t>(last);
  return tlp;
}
Tlp with_attributes(Tlp tlp, unsigned attributes) {
  tlp.attributes = static_cast<std::uint8_t>(attributes);
  return tlp;
}
Tlp with_class(Tlp tlp, unsigned traffic_class) {
  tlp.traffic_class = static_cast<std::uint8_t>(traffic_class);
  return tlp;
}
Tlp poisoned(Tlp tlp) {
  tlp.poisoned = true;
  return tlp;
}
Tlp with_length(Tlp tlp, unsigned words) {
  tlp.length_dw = static_cast<std::uint16_t>(words);
  return tlp;
}
Tlp from(pcie::RequesterId requester, Tlp tlp) {
  tlp.requester = requester;
  return tlp;
}
Tlp by(pcie::RequesterId completer, Tlp tlp) {
  tlp.completer = completer;
  return tlp;
}
Tlp to(pcie::RequesterId target, Tlp tlp) {
  tlp.target = target;
  return tlp;
}
Tlp as(TlpKind kind, Tlp tlp) {
  tlp.kind = kind;
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
Tlp in_register(Tlp tlp, unsigned offset) {
  tlp.register_offset = static_cast<std::uint16_t>(offset);
  return tlp;
}
Tlp with_status(Tlp tlp, CompletionStatus status) {
  tlp.status = status;
  return tlp;
}
Tlp interrupt() { return write(0xfee0'0000, 4); }
Tlp host_read() { return from(kHost, read(0, 4)); }
// A read that is outstanding at the endpoint's edge, and its answer.
void ask(Test& t, unsigned bytes = 4) { t.tx(read(0, bytes)); }
Tlp answer() { return completion(read(0, 4), 4, 4); }
// The second one leaves before the first: in the receiver's buffers.
void overtake(Test& t, const Tlp& first, const Tlp& second) {
  t.link();
  t.send(first);
  t.send(second);
  t.flow_.arrive(first);
  t.flow_.arrive(second);
  t.flow_.take(t.now_, second);
  t.flow_.take(t.now_, first);
}

const Case kCases[] = {
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

    {"P-CREDIT-LEAST",
     [](Test& t) {
       t.link({4, 4, 0}, {15, 1, 0});
     },
     [](Test& t) {
       t.link({4, 4, 0}, {16, 1, 0});
     }},
    {"P-CREDIT-INFINITE",
     [](Test& t) {
       t.link({4, 4, 128}, {32, 32, 128});
     },
     [](Test& t) { t.link(); }},
    {"P-CREDIT-HEADER",
     [](Test& t) {
       t.link();
       for (unsigned tag = 0; tag < 5; ++tag) t.send(read(0, 4, static_cast<std::uint16_t>(tag)));
     },
     [](Test& t) {
       t.link();
       for (unsigned tag = 0; tag < 5; ++tag) t.send(completion(read(0, 4, static_cast<std::uint16_t>(tag)), 4, 4));
       for (unsigned tag = 0; tag < 4; ++tag) t.send(read(0, 4, static_cast<std::uint16_t>(tag)));
     }},
    {"P-CREDIT-DATA",
     [](Test& t) {
       t.link();
       for (unsigned i = 0; i < 2; ++i) t.send(write(0, 256));
       t.send(write(0, 4));
     },
     [](Test& t) {
       t.link();
       for (unsigned i = 0; i < 2; ++i) t.send(write(0, 256));
       t.send(pme());
     }},
    {"P-CREDIT-RETURN",
     [](Test& t) {
       t.link();
       t.carry(write(0, 20));
       t.flow_.return_credits(t.now_, pcie::FlowClass::Posted, 1, 3);
     },
     [](Test& t) {
       t.link();
       t.carry(write(0, 20));
       t.flow_.return_credits(t.now_, pcie::FlowClass::Posted, 1, 2);
     }},
    {"P-CREDIT-UPDATE",
     [](Test& t) {
       t.link();
       t.carry(answer());
       t.flow_.return_credits(t.now_, pcie::FlowClass::Completion, 1, 1);
     },
     [](Test& t) {
       t.link();
       t.carry(answer());
       t.flow_.return_credits(t.now_, pcie::FlowClass::Completion, 0, 0);
     }},
    {"P-ORDER-POSTED", [](Test& t) { overtake(t, write(0, 4), write(64, 4)); },
     [](Test& t) { overtake(t, write(0, 4), with_attributes(write(64, 4), kRelaxed)); }},
    {"P-ORDER-NON-POSTED", [](Test& t) { overtake(t, write(0, 4), with_attributes(read(0, 4), kRelaxed)); },
     [](Test& t) {
       overtake(t, write(0, 4), from(0x0200, with_attributes(read(0, 4), kIdOrdering)));
       overtake(t, write(0, 4), with_attributes(config_write(), kRelaxed));
       overtake(t, read(0, 4), write(0, 4));
       overtake(t, read(0, 4, 1), read(0, 4, 2));
     }},
    {"P-ORDER-COMPLETION", [](Test& t) { overtake(t, from(kHost, write(0, 4)), answer()); },
     [](Test& t) {
       overtake(t, from(kHost, write(0, 4)), with_attributes(answer(), kRelaxed));
       overtake(t, from(0x0200, write(0, 4)), with_attributes(answer(), kIdOrdering));
       overtake(t, answer(), from(kHost, write(0, 4)));
       overtake(t, read(0, 4), answer());
       Tlp configuration = answer();
       configuration.kind = TlpKind::Completion;
       configuration.payload.clear();
       configuration.length_dw = 0;
       overtake(t, from(kHost, write(0, 4)), configuration);
     }},
    {"P-ORDER-SAME-REQUEST",
     [](Test& t) { overtake(t, completion(read(0, 128), 128, 64), completion(read(0, 128), 64, 64)); },
     [](Test& t) { overtake(t, completion(read(0, 128, 1), 128, 64), completion(read(0, 128, 2), 64, 64)); }},
    {"P-ORDER-UNSENT",
     [](Test& t) {
       t.link();
       t.carry(write(0, 4));
       t.flow_.arrive(write(64, 4));
       t.flow_.take(t.now_, write(128, 4));
     },
     [](Test& t) {
       t.link();
       t.carry(write(0, 4));
       t.carry(write(0, 4));
     }},
};

TEST(ProtocolRules, EachHasOneDeviationAndOneNearMissHere) {
  std::multiset<std::string_view> tried;
  for (const Case& deviation : kCases) tried.insert(deviation.rule);
  std::multiset<std::string_view> existing;
  for (const RuleGroup& group : rule_groups()) {
    for (const ProtocolRule& rule : group.rules) {
      EXPECT_FALSE(rule.clause.empty()) << rule.name;
      const bool judged_elsewhere = rule.scope == RuleScope::Tracker || rule.scope == RuleScope::Link;
      EXPECT_EQ(rule.holds == nullptr, judged_elsewhere) << rule.name;
      existing.insert(rule.name);
    }
  }

  EXPECT_EQ(tried, existing);
  EXPECT_GE(existing.size(), 93u);
}

// HOLDOVER_WRITE_DOCS=1 in the environment writes the page anew.
TEST(ProtocolRules, TheirPageIsFresh) {
  const char* const path = HOLDOVER_PROTOCOL_RULES_PAGE;
  if (std::getenv("HOLDOVER_WRITE_DOCS") != nullptr) std::ofstream{path} << rules_page();
  std::stringstream page;
  page << std::ifstream{path}.rdbuf();

  EXPECT_EQ(page.str(), rules_page()) << "write it anew: HOLDOVER_WRITE_DOCS=1 and this test";
}

class EachRule : public Test, public ::testing::WithParamInterface<Case> {};

TEST_P(EachRule, AloneFindsItsViolation) {
  GetParam().violate(*this);

  EXPECT_THAT(broken(), ElementsAre(GetParam().rule));
}

TEST_P(EachRule, LetsItsNearMissPass) {
  GetParam().near_miss(*this);

  EXPECT_THAT(broken(), IsEmpty());
}

std::string case_name(const ::testing::TestParamInfo<Case>& info) {
  std::string name = info.param.rule;
  for (char& letter : name) {
    if (letter == '-') letter = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Table, EachRule, ::testing::ValuesIn(kCases), case_name);

}  // namespace
}  // namespace holdover::sim
