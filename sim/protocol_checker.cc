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
constexpr std::uint8_t kPmeTurnOff = 0x19;
constexpr std::uint8_t kPmeToAck = 0x1b;

std::uint32_t key_of(const pcie::Tlp& tlp) { return (std::uint32_t{tlp.requester} << 16) | tlp.tag; }

bool is_awaited(const OutstandingRequest& request) {
  return request.life == RequestLife::Open || request.life == RequestLife::Forgiven;
}

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
  OutstandingRequest* answered = nullptr;
  if (completion) {
    const auto found = outstanding.find(key_of(tlp));
    if (found != outstanding.end()) answered = &found->second;
    if (answered != nullptr && is_awaited(*answered)) seen.request = answered;
  }
  for (const ProtocolRule* const rule : rules_for(seen)) {
    if (!rule->holds(seen)) violate(now, endpoint, direction, *rule, tlp);
  }
  if (completion) {
    track_completion(seen, answered);
  } else if (pcie::flow_class(tlp.kind) == pcie::FlowClass::NonPosted) {
    track_request(seen, outstanding);
  } else if (tlp.kind == pcie::TlpKind::Message) {
    track_message(seen, edge);
  }
}

void ProtocolChecker::observe_undecodable(Time now, unsigned endpoint, Direction direction,
                                          const pcie::TlpHeader& raw) {
  ++checked_;
  ++violations_;
  if (!report_) return;
  const ProtocolRule& rule = rule_for_undecodable(raw);
  char words[48];
  std::snprintf(words, sizeof words, "%08x %08x %08x %08x", raw[0], raw[1], raw[2], raw[3]);
  report_(Violation{now, std::string{rule.name},
                    where(endpoint, direction) + "header " + words + ": " + std::string{rule.sentence} +
                        " (PCIe 5.0, " + std::string{rule.clause} + ")"});
}

void ProtocolChecker::track_request(const Observation& seen, Outstanding& outstanding) {
  const auto [place, added] = outstanding.try_emplace(key_of(seen.tlp));
  OutstandingRequest& entry = place->second;
  if (!added && entry.life == RequestLife::Open) {
    const bool given_up = seen.now - entry.since >= kLeastCompletionTimeout;
    const ProtocolRule& rule = given_up ? protocol_rule("P-CPL-MISSING") : protocol_rule("P-TAG-REUSE");
    violate(seen.now, seen.endpoint, seen.direction, rule, given_up ? entry.request : seen.tlp);
  }
  ++requests_;
  entry = OutstandingRequest{};
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
}

void ProtocolChecker::track_completion(const Observation& seen, OutstandingRequest* answered) {
  if (seen.request == nullptr) {
    std::string_view rule = "P-CPL-UNEXPECTED";
    if (answered != nullptr) rule = answered->life == RequestLife::Lost ? "P-CPL-EPOCH" : "P-CPL-AFTER-FINAL";
    violate(seen.now, seen.endpoint, seen.direction, protocol_rule(rule), seen.tlp);
    return;
  }
  OutstandingRequest& request = *answered;
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
  request.life = RequestLife::Finished;
}

void ProtocolChecker::track_message(const Observation& seen, Edge& edge) {
  if (seen.direction == Direction::Rx) {
    if (seen.tlp.message_code == kPmeTurnOff) ++edge.turn_offs;
    return;
  }
  if (seen.tlp.message_code != kPmeToAck) return;
  if (edge.turn_offs == 0) {
    violate(seen.now, seen.endpoint, seen.direction, protocol_rule("P-PME-ACK"), seen.tlp);
  } else {
    --edge.turn_offs;
  }
}

void ProtocolChecker::reset(unsigned endpoint, ResetKind kind) {
  HOLDOVER_CHECK(endpoint < edges_.size());
  Edge& edge = edges_[endpoint];
  const bool function = kind == ResetKind::Flr || kind == ResetKind::D3HotToD0;
  for (Outstanding* const side : {&edge.tx, &edge.rx}) {
    for (auto& [key, request] : *side) {
      if (is_awaited(request)) request.life = function ? RequestLife::Forgiven : RequestLife::Lost;
    }
  }
  if (!function) edge.turn_offs = 0;
}

void ProtocolChecker::finish(Time now, Time grace) {
  const ProtocolRule& rule = protocol_rule("P-CPL-MISSING");
  for (unsigned endpoint = 0; endpoint < edges_.size(); ++endpoint) {
    const auto report_open = [&](Outstanding& side, Direction direction) {
      for (auto& [key, request] : side) {
        if (request.life != RequestLife::Open || now < request.since + grace) continue;
        violate(now, endpoint, direction, rule, request.request);
        request.life = RequestLife::Lost;
      }
    };
    report_open(edges_[endpoint].tx, Direction::Tx);
    report_open(edges_[endpoint].rx, Direction::Rx);
  }
}

}  // namespace holdover::sim
