// SPDX-License-Identifier: MIT
#include "sim/protocol_checker.h"

#include <cstdio>
#include <string>
#include <utility>

#include "pcie/error.h"

namespace holdover::sim {
namespace {

// A requester may give a request up after this (PCIe 5.0, 2.8: not before 50 µs) and use its tag again.
constexpr Time kLeastCompletionTimeout{50'000'000};

std::uint32_t key_of(const pcie::Tlp& tlp) { return (std::uint32_t{tlp.requester} << 16) | tlp.tag; }

std::string where(unsigned endpoint, Direction direction) {
  return "endpoint " + std::to_string(endpoint) + (direction == Direction::Tx ? " tx " : " rx ");
}

}  // namespace

ProtocolChecker::ProtocolChecker(unsigned endpoints, ViolationSink report)
    : edges_(endpoints), report_(std::move(report)) {}

void ProtocolChecker::violate(Time now, unsigned endpoint, Direction direction, const ProtocolRule& rule,
                              const pcie::Tlp& tlp) {
  ++violations_;
  if (!report_) return;
  report_(Violation{now, std::string{rule.name},
                    where(endpoint, direction) + "«" + pcie::to_string(tlp) + "»: " + std::string{rule.sentence} +
                        " (PCIe 5.0, " + std::string{rule.clause} + ")"});
}

void ProtocolChecker::observe(Time now, unsigned endpoint, Direction direction, const pcie::Tlp& tlp,
                              const FunctionState& state, const pcie::TlpHeader* raw) {
  HOLDOVER_CHECK(endpoint < edges_.size());
  ++checked_;
  Edge& edge = edges_[endpoint];
  const bool completion = pcie::is_completion(tlp.kind);
  // A completion answers a request that went the other way.
  Outstanding& outstanding = (direction == Direction::Tx) != completion ? edge.tx : edge.rx;
  Observation seen{now, endpoint, direction, tlp, state, raw, nullptr};
  const bool tracked = completion || pcie::flow_class(tlp.kind) == pcie::FlowClass::NonPosted;
  if (tracked) {
    const auto found = outstanding.find(key_of(tlp));
    if (found != outstanding.end()) seen.request = &found->second;
  }
  for (const ProtocolRule& rule : protocol_rules()) {
    if (rule.holds == nullptr || !applies(rule.scope, seen) || rule.holds(seen)) continue;
    violate(now, endpoint, direction, rule, tlp);
  }
  if (completion) {
    track_completion(seen, outstanding);
  } else if (tracked) {
    track_request(seen, outstanding);
  }
}

void ProtocolChecker::observe_undecodable(Time now, unsigned endpoint, Direction direction,
                                          const pcie::TlpHeader& raw) {
  ++checked_;
  ++violations_;
  if (!report_) return;
  const ProtocolRule& rule = protocol_rule("P-FORMAT");
  char words[48];
  std::snprintf(words, sizeof words, "%08x %08x %08x %08x", raw[0], raw[1], raw[2], raw[3]);
  report_(Violation{now, std::string{rule.name},
                    where(endpoint, direction) + "header " + words + ": " + std::string{rule.sentence} +
                        " (PCIe 5.0, " + std::string{rule.clause} + ")"});
}

void ProtocolChecker::track_request(const Observation& seen, Outstanding& outstanding) {
  if (seen.request != nullptr && !seen.request->before_reset) {
    const bool given_up = seen.now - seen.request->since >= kLeastCompletionTimeout;
    const ProtocolRule& rule = given_up ? protocol_rule("P-CPL-MISSING") : protocol_rule("P-TAG-REUSE");
    violate(seen.now, seen.endpoint, seen.direction, rule, given_up ? seen.request->request : seen.tlp);
  }
  ++requests_;
  OutstandingRequest entry;
  entry.request = seen.tlp;
  entry.request.payload.clear();
  entry.since = seen.now;
  entry.state = seen.state;
  if (seen.tlp.kind == pcie::TlpKind::MemoryRead) {
    // A zero-length read is completed as one byte (PCIe 5.0, 2.3.1.1).
    const std::uint64_t bytes = pcie::enabled_bytes(seen.tlp).count();
    entry.remaining = bytes == 0 ? 1 : static_cast<unsigned>(bytes);
    entry.next = pcie::first_byte_address(seen.tlp);
  } else {
    entry.remaining = 4;
  }
  outstanding.insert_or_assign(key_of(seen.tlp), std::move(entry));
}

void ProtocolChecker::track_completion(const Observation& seen, Outstanding& outstanding) {
  const auto found = outstanding.find(key_of(seen.tlp));
  if (found == outstanding.end()) return;
  OutstandingRequest& request = found->second;
  const bool success = seen.tlp.status == pcie::CompletionStatus::Success;
  if (success && request.request.kind == pcie::TlpKind::MemoryRead && seen.tlp.kind == pcie::TlpKind::CompletionData) {
    const unsigned delivered = delivered_bytes(seen.tlp, request);
    if (delivered < request.remaining) {
      request.remaining -= delivered;
      request.next += delivered;
      return;
    }
  }
  ++completed_;
  if (!success) ++unsuccessful_;
  outstanding.erase(found);
}

void ProtocolChecker::reset(unsigned endpoint, ResetKind kind) {
  HOLDOVER_CHECK(endpoint < edges_.size());
  Edge& edge = edges_[endpoint];
  if (kind == ResetKind::Flr || kind == ResetKind::D3HotToD0) {
    for (auto& [key, request] : edge.tx) request.before_reset = true;
    for (auto& [key, request] : edge.rx) request.before_reset = true;
    return;
  }
  edge.tx.clear();
  edge.rx.clear();
}

void ProtocolChecker::finish(Time now) {
  for (unsigned endpoint = 0; endpoint < edges_.size(); ++endpoint) {
    for (const auto& [key, request] : edges_[endpoint].tx) {
      if (!request.before_reset) violate(now, endpoint, Direction::Tx, protocol_rule("P-CPL-MISSING"), request.request);
    }
    for (const auto& [key, request] : edges_[endpoint].rx) {
      if (!request.before_reset) violate(now, endpoint, Direction::Rx, protocol_rule("P-CPL-MISSING"), request.request);
    }
    edges_[endpoint] = Edge{};
  }
}

}  // namespace holdover::sim
