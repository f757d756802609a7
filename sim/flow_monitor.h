// SPDX-License-Identifier: MIT
// Holds one direction of a link against the rules of flow control and of transaction ordering
// (sim/protocol/flow_rules.cc).
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>

#include "sim/packet.h"
#include "sim/protocol_rules.h"
#include "sim/witness.h"

namespace holdover::sim {

// Credits of one kind, per flow class in the order of pcie::FlowClass.
using CreditCounts = std::array<unsigned, 3>;

// TLPs that have entered a place and not left it, and what may overtake what there (PCIe 5.0, 2.4.1, table 2-40).
class OrderWatch {
 public:
  // `independent_completions`: completions come from a stream of their own, and have no order against posted requests.
  explicit OrderWatch(bool independent_completions) : independent_completions_(independent_completions) {}

  void enter(const pcie::Tlp& tlp) { inside_.push_back(mark_of(tlp)); }
  // The name of the rule that this TLP breaks by leaving now; empty: none.
  [[nodiscard]] std::string_view leave(const pcie::Tlp& tlp);
  void clear() { inside_.clear(); }

 private:
  // What tells TLPs apart, and what ordering depends on.
  struct Mark {
    pcie::TlpKind kind = pcie::TlpKind::MemoryRead;
    std::uint8_t attributes = 0;
    pcie::RequesterId requester = 0;
    pcie::RequesterId completer = 0;
    std::uint16_t tag = 0;
    std::uint16_t length_dw = 0;
    std::uint16_t byte_count = 0;
    std::uint64_t address = 0;
    friend bool operator==(const Mark&, const Mark&) = default;
  };
  [[nodiscard]] static Mark mark_of(const pcie::Tlp& tlp);
  [[nodiscard]] std::string_view rule_against(const Mark& passing, const Mark& passed) const;

  bool independent_completions_;
  std::deque<Mark> inside_;
};

class FlowMonitor {
 public:
  struct Place {
    std::string name;                      // «root port 0 down»
    bool endpoint_receives = false;        // what is below the link is an endpoint, and this direction leads to it
    Bytes largest_payload{128};            // Max_Payload_Size that the receiver supports
    bool independent_completions = false;  // see OrderWatch; up to the wire
  };
  using ViolationSink = std::function<void(const Violation&)>;

  FlowMonitor(Place place, ViolationSink report);

  // The link begins anew with these credits; 0 headers: infinite.
  void begin(Time now, const CreditCounts& headers, const CreditCounts& data);
  // The sender's transmit queue took a TLP; it left for the wire; the receiver has it; it left the receive buffers.
  void queue(const pcie::Tlp& tlp);
  void transmit(Time now, const pcie::Tlp& tlp);
  void arrive(const pcie::Tlp& tlp);
  void take(Time now, const pcie::Tlp& tlp);
  // An update reached the sender: so many credits more than before.
  void return_credits(Time now, pcie::FlowClass flow, unsigned headers, unsigned data);

 private:
  struct Credits {
    bool infinite = false;
    std::uint64_t headers = 0;
    std::uint64_t data = 0;
  };

  void report(Time now, std::string_view rule, const std::string& what);

  Place place_;
  ViolationSink report_;
  std::array<Credits, 3> left_{};  // that the sender may use
  std::array<Credits, 3> owed_{};  // of TLPs that were taken, not yet returned
  OrderWatch sending_;
  OrderWatch receiving_;
};

// Credits that a payload takes, of 16 bytes each (PCIe 5.0, 2.6.1).
[[nodiscard]] unsigned data_credits(const pcie::Tlp& tlp);

}  // namespace holdover::sim
