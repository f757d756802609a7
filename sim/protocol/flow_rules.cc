// SPDX-License-Identifier: MIT
// Flow control and ordering: one direction of a link, judged by FlowMonitor.
#include "sim/protocol/rule_tables.h"

namespace holdover::sim::protocol {
namespace {

using enum RuleScope;
constexpr ProtocolRule kRules[] = {
    {"P-CREDIT-LEAST", "2.6.1", "who advertises finite credits of a class has room for one TLP of the largest payload",
     Link, nullptr},
    {"P-CREDIT-INFINITE", "2.6.1", "an endpoint advertises infinite credits for completions", Link, nullptr},
    {"P-CREDIT-HEADER", "2.6.1.2", "no TLP is sent without a header credit of its class", Link, nullptr},
    {"P-CREDIT-DATA", "2.6.1.2", "no TLP is sent without credits of its class for its data", Link, nullptr},
    {"P-CREDIT-RETURN", "2.6.1.2", "no more credits come back than TLPs have left the receive buffers", Link, nullptr},
    {"P-CREDIT-UPDATE", "2.6.1.2", "no credits come back where they were advertised as infinite", Link, nullptr},
    {"P-ORDER-POSTED", "2.4.1", "no posted request passes another, unless by relaxed or ID-based ordering", Link,
     nullptr},
    {"P-ORDER-NON-POSTED", "2.4.1",
     "no non-posted request passes a posted one, unless by ID-based ordering or, with data, relaxed ordering", Link,
     nullptr},
    {"P-ORDER-COMPLETION", "2.4.1",
     "no completion with data passes a posted request, unless by relaxed or ID-based ordering", Link, nullptr},
    {"P-ORDER-SAME-REQUEST", "2.4.1", "no completion passes another one of the same request", Link, nullptr},
    {"P-ORDER-UNSENT", "3.1", "what leaves a link has entered it", Link, nullptr},
};

}  // namespace

std::span<const ProtocolRule> flow_rules() { return kRules; }

}  // namespace holdover::sim::protocol
