// SPDX-License-Identifier: MIT
// Legal TLPs, and a checker that writes down what it is told.
#pragma once

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "sim/flow_monitor.h"
#include "sim/protocol_checker.h"

namespace holdover::sim {

using pcie::CompletionStatus;
using pcie::Tlp;
using pcie::TlpKind;

inline constexpr pcie::RequesterId kEndpoint = 0x0100;
inline constexpr pcie::RequesterId kHost = 0x0000;

inline FunctionState working_state() {
  FunctionState state;
  state.bdf = kEndpoint;
  state.bus_master = true;
  state.memory = true;
  state.max_payload = 1;       // 256 bytes
  state.max_read_request = 2;  // 512 bytes
  state.extended_tag = true;
  state.relaxed_ordering = true;
  return state;
}

inline Tlp read(std::uint64_t address, unsigned bytes, std::uint16_t tag = 3) {
  Tlp tlp;
  tlp.requester = kEndpoint;
  tlp.tag = tag;
  tlp.address = address;
  tlp.length_dw = static_cast<std::uint16_t>(bytes / 4);
  tlp.first_be = 0xf;
  tlp.last_be = bytes > 4 ? 0xf : 0;
  return tlp;
}

inline Tlp write(std::uint64_t address, unsigned bytes) {
  Tlp tlp = read(address, bytes, 0);
  tlp.kind = TlpKind::MemoryWrite;
  tlp.payload.resize(bytes);
  return tlp;
}

inline Tlp config_read() {
  Tlp tlp;
  tlp.kind = TlpKind::ConfigRead0;
  tlp.requester = kHost;
  tlp.tag = 9;
  tlp.target = kEndpoint;
  tlp.length_dw = 1;
  tlp.first_be = 0xf;
  return tlp;
}

inline Tlp config_write() {
  Tlp tlp = config_read();
  tlp.kind = TlpKind::ConfigWrite0;
  tlp.payload.resize(4);
  return tlp;
}

inline Tlp message(std::uint8_t code, std::uint8_t routing) {
  Tlp tlp;
  tlp.kind = TlpKind::Message;
  tlp.requester = kEndpoint;
  tlp.message_code = code;
  tlp.message_routing = routing;
  return tlp;
}

inline Tlp pme() {
  Tlp tlp;
  tlp.kind = TlpKind::Message;
  tlp.requester = kEndpoint;
  tlp.message_code = 0x18;
  return tlp;
}

// The completion for `bytes` of a request from `offset` on, `left` bytes before it.
inline Tlp completion(const Tlp& request, unsigned left, unsigned bytes) {
  Tlp tlp;
  tlp.kind = TlpKind::CompletionData;
  tlp.requester = request.requester;
  tlp.tag = request.tag;
  tlp.completer = request.requester == kEndpoint ? kHost : kEndpoint;
  tlp.attributes = request.attributes;
  tlp.byte_count = static_cast<std::uint16_t>(left);
  if (request.kind == TlpKind::MemoryRead) {
    const std::uint64_t end = pcie::first_byte_address(request) + pcie::enabled_bytes(request).count();
    tlp.lower_address = static_cast<std::uint8_t>((end - left) & 0x7f);
  }
  tlp.length_dw = static_cast<std::uint16_t>(((tlp.lower_address & 3u) + bytes + 3) / 4);
  tlp.payload.resize(tlp.length_dw * 4u);
  return tlp;
}

inline Tlp failure(const Tlp& request, CompletionStatus status) {
  Tlp tlp = completion(request, 4, 4);
  tlp.kind = TlpKind::Completion;
  tlp.status = status;
  tlp.length_dw = 0;
  tlp.payload.clear();
  return tlp;
}

// The answer to a configuration write.
inline Tlp plain_completion(const Tlp& request) { return failure(request, CompletionStatus::Success); }

class ProtocolCheckerTest : public ::testing::Test {
 public:
  void tx(const Tlp& tlp) { checker_.observe(now_, 0, Direction::Tx, tlp, state_); }
  void rx(const Tlp& tlp) { checker_.observe(now_, 0, Direction::Rx, tlp, state_); }
  void tx_raw(const Tlp& tlp, const pcie::TlpHeader& raw) {
    checker_.observe(now_, 0, Direction::Tx, tlp, state_, &raw);
  }
  // With the header on the pins changed: `bits` set in its word.
  void tx_bits(const Tlp& tlp, std::size_t word, std::uint32_t bits) {
    pcie::TlpHeader raw = pcie::encode_header(tlp);
    raw[word] |= bits;
    tx_raw(tlp, raw);
  }
  void undecodable(std::uint32_t format_type) {
    checker_.observe_undecodable(now_, 0, Direction::Tx, {format_type << 24, 0, 0, 0});
  }
  [[nodiscard]] std::vector<std::string> broken() const {
    std::vector<std::string> names;
    for (const Violation& violation : violations_) names.push_back(violation.rule);
    return names;
  }

  Time now_ = 1_us;
  FunctionState state_ = working_state();
  std::vector<Violation> violations_;
  // One direction of a link, towards an endpoint that takes 256 bytes: four headers and 32 units of data a class.
  void link(const CreditCounts& headers = {4, 4, 0}, const CreditCounts& data = {32, 32, 0}) {
    flow_.begin(now_, headers, data);
  }
  void send(const Tlp& tlp) {
    flow_.queue(tlp);
    flow_.transmit(now_, tlp);
  }
  // All the way to the receiver, who takes it.
  void carry(const Tlp& tlp) {
    send(tlp);
    flow_.arrive(tlp);
    flow_.take(now_, tlp);
  }

  ProtocolChecker checker_{1, [this](const Violation& violation) { violations_.push_back(violation); }};
  FlowMonitor flow_{FlowMonitor::Place{"link down", true, Bytes{256}, false},
                    [this](const Violation& violation) { violations_.push_back(violation); }};
};

}  // namespace holdover::sim
