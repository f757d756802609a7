// SPDX-License-Identifier: MIT
#include "sim/switch.h"

#include <optional>
#include <utility>

#include "sim/routing.h"

namespace holdover::sim {

using pcie::TlpKind;

Switch::Switch(const Scheduler& scheduler, Witness& witness, Port upstream, std::vector<Port> downstream)
    : scheduler_(scheduler), witness_(witness), upstream_(upstream), downstream_(std::move(downstream)) {
  upstream_.link->set_lower(*this);
  upstream_.link->down().set_receiver(*this);
  upstream_.link->up().set_sender(*this);
  upstream_.bridge->set_reset_listener(*this);
  upstream_.bridge->set_report_listener(*this);
  for (const Port& port : downstream_) {
    port.link->up().set_receiver(*this);
    port.link->down().set_sender(*this);
    port.bridge->set_report_listener(*this);
  }
}

void Switch::on_conventional_reset(ResetKind kind, bool asserted) {
  if (asserted) {
    upstream_.bridge->reset();
    witness_.on_reset(scheduler_.now(), upstream_.bridge->identity().index, kind);
    for (const Port& port : downstream_) witness_.on_reset(scheduler_.now(), port.bridge->identity().index, kind);
  }
  on_secondary_reset(asserted);
}

// What is plugged in below has no other supply.
void Switch::on_power(bool on) {
  if (on) return;
  upstream_.bridge->lose_power();
  for (const Port& port : downstream_) {
    port.bridge->lose_power();
    port.link->set_power(false);
  }
}

void Switch::on_secondary_reset(bool asserted) {
  for (const Port& port : downstream_) {
    if (asserted) port.bridge->reset();
    port.link->set_hot_reset(asserted);
  }
}

Channel& Switch::received_by(std::size_t ingress) const {
  return ingress == 0 ? upstream_.link->down() : downstream_[ingress - 1].link->up();
}

void Switch::on_bad_tlp(Channel& channel) {
  for (std::size_t ingress = 0; ingress <= downstream_.size(); ++ingress) {
    if (&received_by(ingress) == &channel) bridge_of(ingress).note_bad_tlp();
  }
}

Bridge& Switch::bridge_of(std::size_t ingress) const {
  return ingress == 0 ? *upstream_.bridge : *downstream_[ingress - 1].bridge;
}

void Switch::pump() {
  if (pumping_) return;  // sending calls back
  pumping_ = true;
  const std::size_t ports = downstream_.size() + 1;
  for (bool moved = true; moved;) {
    moved = false;
    for (const pcie::FlowClass flow : kFlowClasses) {
      std::size_t& turn = turns_[index_of(flow)];
      for (std::size_t i = 0; i < ports && !moved; ++i) {
        const std::size_t ingress = (turn + i) % ports;
        moved = move_one(ingress, flow);
        if (moved) turn = (ingress + 1) % ports;
      }
    }
    send_reports();
  }
  pumping_ = false;
}

void Switch::send_reports() {
  const auto room = [this] { return upstream_.link->up().has_room(pcie::FlowClass::Posted); };
  while (room()) {
    std::optional<pcie::Tlp> report = upstream_.bridge->take_report();
    const Bridge* from = upstream_.bridge;
    for (const Port& port : downstream_) {
      if (report) break;
      from = port.bridge;
      report = port.bridge->take_report();
    }
    if (!report) return;
    send_report(*from, std::move(*report));
  }
}

void Switch::report_latency() {
  if (!upstream_.bridge->takes_latency()) return;
  LatencyTolerance least;
  for (const Port& port : downstream_) least = smaller_of(least, port.bridge->latency());
  if (least != upstream_.bridge->latency()) upstream_.bridge->note_latency(least);
}

void Switch::on_link_down() {
  if (upstream_.link->is_up()) report_latency();
}

void Switch::send_report(const Bridge& port, pcie::Tlp report) {
  if (&port != upstream_.bridge) {
    // The internal bus is the upstream port's secondary side.
    report.requester = pcie::Bdf{0, upstream_.bridge->secondary_bus(), port.identity().device, 0}.requester_id();
    if (pcie::is_error_message(report)) {
      upstream_.bridge->note_error_message(report.message_code, report.requester);
      if (!upstream_.bridge->forwards_errors(report.message_code)) return;
    } else if (!upstream_.bridge->bus_master()) {
      return;
    }
  }
  upstream_.link->up().send(Packet{std::move(report), kFromHost});
}

bool Switch::move_one(std::size_t ingress, pcie::FlowClass kind) {
  Channel& channel = received_by(ingress);
  if (channel.received().empty()) return false;
  const auto fits = [&](const Packet& packet) {
    const Route way = route(ingress, packet.tlp);
    const pcie::FlowClass flow = pcie::flow_class(packet.tlp.kind);
    if (way.kind == Route::Kind::Forward) return way.to->has_room(flow);
    return flow != pcie::FlowClass::NonPosted || way.to->has_room(pcie::FlowClass::Completion);
  };
  const auto flow = channel.received().oldest(fits);
  if (flow != kind) return false;
  const Route way = route(ingress, channel.received().front(*flow).tlp);
  Packet packet = channel.take(*flow);
  if (ingress != 0 && pcie::is_error_message(packet.tlp)) {
    Bridge& from = *downstream_[ingress - 1].bridge;
    if (from.contain_error(packet.tlp.message_code, packet.tlp.requester)) return true;
    note_error_message(from, packet.tlp);
  }
  if (packet.tlp.poisoned) note_poisoned(ingress, way, packet.tlp);
  take_route(ingress, way, std::move(packet));
  return true;
}

// Poison is passed on, and its receiver tells of it: advisory here (PCIe 5.0, 6.2.3.2.4.2). What a port refuses is that
// error alone (6.2.3.2.3).
void Switch::note_poisoned(std::size_t ingress, const Route& way, const pcie::Tlp& tlp) {
  Bridge& from = bridge_of(ingress);
  from.note_poisoned(ingress == 0 ? Bridge::Side::Primary : Bridge::Side::Secondary, tlp);
  if (way.kind != Route::Kind::Forward) return;
  way.port->note_sent_poisoned(way.port == upstream_.bridge ? Bridge::Side::Primary : Bridge::Side::Secondary, tlp);
  from.note_error(pcie::config::kAerPoisoned, tlp, true);
}

void Switch::note_error_message(Bridge& from, const pcie::Tlp& message) {
  from.note_error_message(message.message_code, message.requester);
  if (from.forwards_errors(message.message_code))
    upstream_.bridge->note_error_message(message.message_code, message.requester);
}

void Switch::take_route(std::size_t ingress, const Route& route, Packet packet) {
  pcie::Tlp& tlp = packet.tlp;
  // A port that keeps error messages to itself refuses nothing.
  if (route.kind == Route::Kind::Drop && pcie::is_error_message(tlp)) return;
  switch (route.kind) {
    case Route::Kind::Forward:
      if (route.convert) convert_to_type0(tlp);
      route.to->send(std::move(packet));
      return;
    case Route::Kind::Configure:
      if (route.port != upstream_.bridge) route.port->set_bus(upstream_.bridge->secondary_bus());
      // The write may reset this very link; the answer is dropped then, as it would be.
      route.to->send(Packet{route.port->complete(tlp), kFromHost});
      report_latency();
      return;
    case Route::Kind::Latency:
      route.port->note_latency(latency_of(tlp));
      report_latency();
      return;
    case Route::Kind::Refuse:
    case Route::Kind::Drop:
      break;
  }
  const bool answered = route.kind == Route::Kind::Refuse && route.refusal.answered(tlp);
  if (route.kind == Route::Kind::Refuse) route.port->note_error(route.refusal.error, tlp, answered);
  if (packet.origin != kFromHost) {
    witness_.on_request_refused(scheduler_.now(), packet.origin, route.port->identity().index, tlp,
                                route.refusal.reason);
  }
  if (answered) {
    if (route.refusal.status == pcie::CompletionStatus::CompleterAbort) {
      // From below it comes to the secondary sides of the port there and of the upstream port; to a peer from the bus
      // between them.
      const bool below = ingress != 0 && (route.port == &bridge_of(ingress) || route.port == upstream_.bridge);
      route.port->note_abort(below ? Bridge::Side::Secondary : Bridge::Side::Primary);
    }
    route.to->send(Packet{refusal(tlp, route.port->bdf().requester_id(), route.refusal.status), kFromHost});
  }
}

Switch::Route Switch::route(std::size_t ingress, const pcie::Tlp& tlp) const {
  return ingress == 0 ? route_down(tlp) : route_up(ingress - 1, tlp);
}

Switch::Route Switch::onto_link(const Port& port, const Route& otherwise) {
  if (port.link->is_up()) return Route{Route::Kind::Forward, &port.link->down(), port.bridge, false, {}};
  Route refused = otherwise;
  refused.port = port.bridge;
  refused.refusal.reason = kLinkDownReason;
  if (port.bridge->aborts_requests()) {
    refused.refusal.error = pcie::config::kAerCompleterAbort;
    refused.refusal.status = pcie::CompletionStatus::CompleterAbort;
  }
  return refused;
}

const Switch::Port* Switch::port_of_bus(std::uint8_t bus) const {
  for (const Port& port : downstream_) {
    if (port.bridge->owns_bus(bus)) return &port;
  }
  return nullptr;
}

Switch::Route Switch::route_down(const pcie::Tlp& tlp) const {
  Channel* answers = &upstream_.link->up();
  const Route refused{Route::Kind::Refuse, answers, upstream_.bridge, false, Refusal{kNoPortReason}};
  if (pcie::is_config(tlp.kind)) return route_config(tlp);
  if (pcie::is_completion(tlp.kind)) {
    const auto bus = static_cast<std::uint8_t>(tlp.requester >> 8);
    const Port* port = upstream_.bridge->owns_bus(bus) ? port_of_bus(bus) : nullptr;
    const Route lost{Route::Kind::Drop, answers, upstream_.bridge, false,
                     Refusal{"no port below owns the bus of its requester"}};
    return port == nullptr ? lost : onto_link(*port, lost);
  }
  if (tlp.kind != TlpKind::MemoryRead && tlp.kind != TlpKind::MemoryWrite) {
    return Route{Route::Kind::Drop, answers, upstream_.bridge, false, Refusal{"messages end here"}};
  }
  if (!upstream_.bridge->claims(tlp.address)) return refused;
  for (const Port& port : downstream_) {
    if (port.bridge->claims(tlp.address)) return onto_link(port, refused);
  }
  return refused;
}

Switch::Route Switch::route_config(const pcie::Tlp& tlp) const {
  Channel* answers = &upstream_.link->up();
  const Route refused{Route::Kind::Refuse, answers, upstream_.bridge, false, Refusal{kNoPortReason}};
  if (tlp.kind == TlpKind::ConfigRead0 || tlp.kind == TlpKind::ConfigWrite0) {
    return Route{Route::Kind::Configure, answers, upstream_.bridge, false, {}};
  }
  const auto bus = static_cast<std::uint8_t>(tlp.target >> 8);
  if (!upstream_.bridge->owns_bus(bus) || !upstream_.bridge->in_d0()) return refused;
  if (bus == upstream_.bridge->secondary_bus()) {
    const unsigned device = (tlp.target >> 3) & 0x1f;
    for (const Port& port : downstream_) {
      if (port.bridge->identity().device == device) {
        return Route{Route::Kind::Configure, answers, port.bridge, false, {}};
      }
    }
    return refused;
  }
  const Port* port = port_of_bus(bus);
  if (port == nullptr || !port->bridge->in_d0()) return refused;
  const bool last = bus == port->bridge->secondary_bus();
  if (last && !target_on_link(*port->bridge, tlp.target)) return refused;
  Route way = onto_link(*port, refused);
  way.convert = last;
  return way;
}

Switch::Route Switch::route_up(std::size_t index, const pcie::Tlp& tlp) const {
  const Port& from = downstream_[index];
  Channel* answers = &from.link->down();
  Channel* above = &upstream_.link->up();
  const bool request = tlp.kind == TlpKind::MemoryRead || tlp.kind == TlpKind::MemoryWrite;
  if (is_latency_message(tlp)) {
    const bool taken = from.bridge->takes_latency();
    return Route{taken ? Route::Kind::Latency : Route::Kind::Refuse, answers, from.bridge, false,
                 Refusal{kLatencyReason}};
  }
  for (Bridge* port : {from.bridge, upstream_.bridge}) {
    if (const auto refusal = refuse_from_below(*port, tlp)) {
      return Route{Route::Kind::Refuse, answers, port, false, *refusal};
    }
    if (port != from.bridge || !request) continue;
    // Straight to a peer, unless access control sends it to the root first.
    if (from.bridge->claims(tlp.address)) {
      if (from.bridge->acs().forwards_upstream()) continue;
      return Route{Route::Kind::Refuse, answers, from.bridge, false, Refusal{kWindowReason}};
    }
    if (from.bridge->acs().redirects_requests()) continue;
    for (const Port& peer : downstream_) {
      if (!peer.bridge->claims(tlp.address)) continue;
      return onto_link(peer, Route{Route::Kind::Refuse, answers, peer.bridge, false, {}});
    }
  }
  const BridgeAcs& acs = from.bridge->acs();
  if (request && upstream_.bridge->claims(tlp.address) && !acs.redirects_requests() && !acs.forwards_upstream()) {
    return Route{Route::Kind::Refuse, answers, upstream_.bridge, false, Refusal{kWindowReason}};
  }
  if (pcie::is_completion(tlp.kind)) {
    const auto bus = static_cast<std::uint8_t>(tlp.requester >> 8);
    if (upstream_.bridge->owns_bus(bus) && !acs.redirects(tlp)) {
      const Route lost{Route::Kind::Drop, answers, upstream_.bridge, false,
                       Refusal{"no port below owns the bus of its requester"}};
      const Port* peer = port_of_bus(bus);
      return peer == nullptr ? lost : onto_link(*peer, lost);
    }
  }
  if (pcie::is_error_message(tlp)) {
    for (const Bridge* port : {from.bridge, upstream_.bridge}) {
      if (!port->forwards_errors(tlp.message_code)) {
        return Route{Route::Kind::Drop, answers, from.bridge, false, Refusal{"it is not enabled"}};
      }
    }
  }
  return Route{Route::Kind::Forward, above, upstream_.bridge, false, {}};
}

}  // namespace holdover::sim
