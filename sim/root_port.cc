// SPDX-License-Identifier: MIT
#include "sim/root_port.h"

#include <utility>

#include "sim/routing.h"

namespace holdover::sim {

RootPort::RootPort(const Scheduler& scheduler, Witness& witness, Bridge& bridge, Link& link, MemoryPath& memory,
                   HostSide& host)
    : scheduler_(scheduler), witness_(witness), bridge_(bridge), link_(link), memory_(memory), host_(host) {
  link_.up().set_receiver(*this);
  link_.down().set_sender(*this);
  bridge_.set_report_listener(*this);
}

void RootPort::on_room(Channel&) {
  pump();
  memory_.pump();
  host_.on_room();
}

void RootPort::pump() {
  Channel& up = link_.up();
  const auto fits = [this](const Packet& packet) {
    const bool sends_down = pcie::flow_class(packet.tlp.kind) == pcie::FlowClass::NonPosted || turns_round(packet.tlp);
    return !sends_down || link_.down().has_room(pcie::FlowClass::Completion);
  };
  while (!up.received().empty()) {
    const auto flow = up.received().oldest(fits);
    if (!flow) return;
    take(up.take(*flow));
  }
}

bool RootPort::turns_round(const pcie::Tlp& tlp) const {
  return pcie::is_completion(tlp.kind) && bridge_.owns_bus(static_cast<std::uint8_t>(tlp.requester >> 8));
}

void RootPort::take(Packet packet) {
  const pcie::Tlp& tlp = packet.tlp;
  if (tlp.poisoned) bridge_.note_poisoned(Bridge::Side::Secondary, tlp);
  if (const auto refusal = refuse_from_below(bridge_, tlp)) {
    refuse(packet, *refusal);
    return;
  }
  // Its receiver goes on without the data (PCIe 5.0, 6.2.3.2.4.3). What is refused has that error alone (6.2.3.2.3).
  if (tlp.poisoned) bridge_.note_error(pcie::config::kAerPoisoned, tlp, true);
  switch (tlp.kind) {
    case pcie::TlpKind::MemoryRead:
    case pcie::TlpKind::MemoryWrite:
      // Requests between root ports are not routed here.
      if (bridge_.claims(tlp.address) && !bridge_.acs().forwards_upstream()) {
        refuse(packet, Refusal{kWindowReason});
        return;
      }
      // What a port sends on its own account can only be an interrupt.
      if (packet.origin == kFromHost && !MemoryPath::is_message(tlp)) {
        refuse(packet, Refusal{kNoMessageReason});
        return;
      }
      memory_.accept(std::move(packet));
      return;
    case pcie::TlpKind::Completion:
    case pcie::TlpKind::CompletionData:
      if (turns_round(tlp)) {
        link_.down().send(std::move(packet));
      } else {
        memory_.accept(std::move(packet));
      }
      return;
    case pcie::TlpKind::Message:
    case pcie::TlpKind::MessageData:
      take_message(packet);
      return;
    default:
      refuse(packet, Refusal{"configuration requests do not travel upstream"});
      return;
  }
}

// Error, power and latency messages end in the root port.
void RootPort::take_message(const Packet& packet) {
  const pcie::Tlp& tlp = packet.tlp;
  if (pcie::is_error_message(tlp)) {
    if (!bridge_.contain_error(tlp.message_code, tlp.requester)) {
      bridge_.note_error_message(tlp.message_code, tlp.requester);
    }
  } else if (is_latency_message(tlp)) {
    if (bridge_.takes_latency()) {
      bridge_.note_latency(latency_of(tlp));
    } else {
      refuse(packet, Refusal{kLatencyReason});
    }
  }
}

void RootPort::on_report(Bridge& bridge) {
  while (auto report = bridge.take_report()) {
    if (MemoryPath::is_message(*report)) memory_.accept(Packet{std::move(*report), kFromHost});
  }
}

void RootPort::refuse(const Packet& packet, const Refusal& why) {
  const bool answered = why.answered(packet.tlp);
  bridge_.note_error(why.error, packet.tlp, answered);
  if (packet.origin != kFromHost) {
    witness_.on_request_refused(scheduler_.now(), packet.origin, bridge_.identity().index, packet.tlp, why.reason);
  }
  if (answered) {
    if (why.status == pcie::CompletionStatus::CompleterAbort) bridge_.note_abort(Bridge::Side::Secondary);
    link_.down().send(Packet{refusal(packet.tlp, bridge_.bdf().requester_id(), why.status), kFromHost});
  }
}

}  // namespace holdover::sim
