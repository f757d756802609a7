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
}

void RootPort::on_room(Channel&) {
  pump();
  memory_.pump();
  host_.on_room();
}

void RootPort::pump() {
  Channel& up = link_.up();
  const auto fits = [this](const Packet& packet) {
    return pcie::flow_class(packet.tlp.kind) != pcie::FlowClass::NonPosted ||
           link_.down().has_room(pcie::FlowClass::Completion);
  };
  while (!up.received().empty()) {
    const auto flow = up.received().oldest(fits);
    if (!flow) return;
    take(up.take(*flow));
  }
}

void RootPort::take(Packet packet) {
  const pcie::Tlp& tlp = packet.tlp;
  if (tlp.poisoned) bridge_.note_poisoned();
  if (const auto reason = refuse_from_below(bridge_, tlp)) {
    refuse(packet, *reason, tlp.payload.size() <= bridge_.max_payload().count());
    return;
  }
  switch (tlp.kind) {
    case pcie::TlpKind::MemoryRead:
    case pcie::TlpKind::MemoryWrite:
      // Requests between root ports are not routed here.
      if (bridge_.claims(tlp.address)) {
        refuse(packet, kWindowReason, true);
        return;
      }
      memory_.accept(std::move(packet));
      return;
    case pcie::TlpKind::Completion:
    case pcie::TlpKind::CompletionData:
      memory_.accept(std::move(packet));
      return;
    case pcie::TlpKind::Message:
    case pcie::TlpKind::MessageData:
      // Error and power messages end in the root port.
      if (pcie::is_error_message(tlp)) bridge_.note_error_message(tlp.message_code, tlp.requester);
      return;
    default:
      refuse(packet, "configuration requests do not travel upstream", true);
      return;
  }
}

void RootPort::refuse(const Packet& packet, std::string_view reason, bool answer) {
  bridge_.note_unsupported_request();
  if (packet.origin != kFromHost) {
    witness_.on_request_refused(scheduler_.now(), packet.origin, bridge_.identity().index, packet.tlp, reason);
  }
  if (answer && pcie::flow_class(packet.tlp.kind) == pcie::FlowClass::NonPosted) {
    link_.down().send(Packet{
        refusal(packet.tlp, bridge_.bdf().requester_id(), pcie::CompletionStatus::UnsupportedRequest), kFromHost});
  }
}

}  // namespace holdover::sim
