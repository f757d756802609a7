// SPDX-License-Identifier: MIT
// A switch: one upstream port, downstream ports on an internal bus, and what moves packets between them. Where a packet
// goes is decided by the ports' registers alone.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <vector>

#include "sim/bridge.h"
#include "sim/link.h"
#include "sim/packet.h"
#include "sim/routing.h"

namespace holdover::sim {

// From a port's receive buffer to another port's transmit queue, where nothing is in the way.
inline constexpr Time kSwitchLatency{100'000};

class Switch final : public LinkLower,
                     private ChannelReceiver,
                     private ChannelSender,
                     private Bridge::ResetListener,
                     private Bridge::ReportListener {
 public:
  struct Port {
    Bridge* bridge = nullptr;
    Link* link = nullptr;  // above the upstream port, below the others
  };

  // Everything outlives the switch.
  Switch(const Scheduler& scheduler, Witness& witness, Port upstream, std::vector<Port> downstream);

  void on_conventional_reset(ResetKind kind, bool asserted) override;
  void on_power(bool on) override;

 private:
  // What becomes of one packet.
  struct Route {
    enum class Kind { Forward, Configure, Latency, Refuse, Drop };
    Kind kind = Kind::Drop;
    Channel* to = nullptr;   // Forward: where; the others: where an answer goes
    Bridge* port = nullptr;  // whose registers are accessed, who refuses, or by whose link it leaves
    bool convert = false;    // to a configuration request of type 0
    Refusal refusal;         // of Refuse and Drop
  };

  void on_arrival(Channel&) override { pump(); }
  void on_bad_tlp(Channel& channel) override;
  void on_room(Channel&) override { pump(); }
  void on_secondary_reset(bool asserted) override;
  void on_report(Bridge&) override { pump(); }
  void on_link_down() override;

  void pump();
  // Moves the oldest packet that can move, if it is of this kind.
  bool move_one(std::size_t ingress, pcie::FlowClass kind);
  [[nodiscard]] Channel& received_by(std::size_t ingress) const;
  [[nodiscard]] Bridge& bridge_of(std::size_t ingress) const;
  [[nodiscard]] Route route(std::size_t ingress, const pcie::Tlp& tlp) const;
  [[nodiscard]] Route route_down(const pcie::Tlp& tlp) const;
  [[nodiscard]] Route route_config(const pcie::Tlp& tlp) const;
  [[nodiscard]] Route route_up(std::size_t port, const pcie::Tlp& tlp) const;
  [[nodiscard]] static Route onto_link(const Port& port, const Route& otherwise);
  [[nodiscard]] const Port* port_of_bus(std::uint8_t bus) const;
  // Errors that a message tells of, at the ports it comes through.
  void note_error_message(Bridge& from, const pcie::Tlp& message);
  // What the ports at which a poisoned packet comes in and goes out make of it.
  void note_poisoned(std::size_t ingress, const Route& way, const pcie::Tlp& tlp);
  // Sends what the ports have to report, as far as there is room.
  void send_reports();
  void send_report(const Bridge& port, pcie::Tlp report);
  // Reports the least latency that the ports were told of, where it changed (PCIe 5.0, 6.18).
  void report_latency();
  void take_route(std::size_t ingress, const Route& route, Packet packet);

  const Scheduler& scheduler_;
  Witness& witness_;
  Port upstream_;
  std::vector<Port> downstream_;
  // Which ingress is asked first, for each kind: a port whose writes wait for room is not passed by a port that moves
  // reads meanwhile.
  std::array<std::size_t, 3> turns_{};
  bool pumping_ = false;
};

}  // namespace holdover::sim
