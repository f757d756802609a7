// SPDX-License-Identifier: MIT
// The hard block between an endpoint and its link: finite buffers in both directions, and what the bench sees at the
// endpoint's edge.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "sim/endpoint.h"
#include "sim/link.h"
#include "sim/protocol_checker.h"
#include "sim/scheduler.h"
#include "sim/trace.h"

namespace holdover::sim {

// Room for completions towards the endpoint. Their credits are advertised as infinite (PCIe 5.0, 2.6.1): it is the
// endpoint that must not ask for more than fits.
inline constexpr Bytes kCompletionBuffer{40 * 1024};
// Non-posted requests of the endpoint that the block holds.
inline constexpr unsigned kNonPostedSlots = 8;
inline constexpr unsigned kPostedSlots = 4;
inline constexpr unsigned kCompletionSlots = 4;

class EndpointPort final : public LinkLower, private ChannelSender {
 public:
  struct Watchers {
    Witness& witness;
    ProtocolChecker* checker = nullptr;
    TraceWriter* trace = nullptr;
  };

  // All but the endpoint outlive the port.
  EndpointPort(const Scheduler& scheduler, const Watchers& watchers, unsigned number, FunctionIndex index, Link& link,
               const EndpointConfig& config, std::unique_ptr<Endpoint> endpoint);

  void tick();

  void on_conventional_reset(ResetKind kind, bool asserted) override;
  // However short a loss is, it lasts for a clock.
  void on_power(bool on) override {
    powered_ = on;
    if (!on) pins_.power = false;
  }
  // The block takes no more requests, for good.
  void stall() { stalled_ = true; }

  [[nodiscard]] Endpoint& endpoint() { return *endpoint_; }
  [[nodiscard]] const FunctionState& function() const { return pins_.function; }
  [[nodiscard]] FunctionIndex index() const { return index_; }
  // State and the latest TLPs, for people.
  [[nodiscard]] std::string describe() const;

 private:
  struct Passed {
    Time time;
    Direction direction = Direction::Rx;
    pcie::TlpHeader header{};
  };

  void on_sent(Channel&, pcie::FlowClass flow) override;
  void on_room(Channel&) override {}
  void offer();
  void offer(Stream stream, pcie::FlowClass flow);
  void accept_received();
  void collect(std::size_t stream);
  void collect_message();
  void note_function();
  void see(Direction direction, const pcie::Tlp& tlp, const FunctionState& state, const pcie::TlpHeader* raw);
  void report(std::string_view rule, std::string sentence);

  const Scheduler& scheduler_;
  Watchers watchers_;
  unsigned number_;
  FunctionIndex index_;
  Link& link_;
  bool no_soft_reset_;
  std::unique_ptr<Endpoint> endpoint_;
  EndpointPins pins_;
  std::array<pcie::FlowClass, kStreams> offered_{};
  std::uint16_t posted_left_ = 0;   // of the request stream, as posted_sent counts them
  std::uint64_t posted_taken_ = 0;  // posted requests and messages that the block took, and that left it
  std::uint64_t posted_gone_ = 0;
  std::deque<std::uint64_t> messages_;  // which of them, by number, are messages that have not left
  std::uint8_t non_posted_left_ = 0;
  std::uint8_t d_state_ = 0;
  bool in_flr_ = false;
  bool powered_ = true;
  bool stalled_ = false;
  bool overflowed_ = false;
  std::array<Passed, 8> recent_{};  // a ring; the next one goes to passed_ modulo its size
  std::uint64_t passed_ = 0;
};

}  // namespace holdover::sim
