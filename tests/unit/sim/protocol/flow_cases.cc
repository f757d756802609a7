// SPDX-License-Identifier: MIT
// Flow control and ordering, as a link sees them.
#include "tests/unit/sim/protocol/rule_case.h"

namespace holdover::sim::rule_cases {
namespace {

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

const RuleCase kCases[] = {
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

}  // namespace

std::span<const RuleCase> flow_cases() { return kCases; }

}  // namespace holdover::sim::rule_cases
