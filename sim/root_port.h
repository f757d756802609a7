// SPDX-License-Identifier: MIT
// A root port: the bridge between bus 0 and a link. Requests from below go on to memory, completions to the host.
#pragma once

#include "sim/bridge.h"
#include "sim/link.h"
#include "sim/memory_path.h"
#include "sim/packet.h"
#include "sim/routing.h"

namespace holdover::sim {

class RootPort final : private ChannelReceiver, private ChannelSender, private Bridge::ReportListener {
 public:
  // Everything outlives the port.
  RootPort(const Scheduler& scheduler, Witness& witness, Bridge& bridge, Link& link, MemoryPath& memory,
           HostSide& host);

  [[nodiscard]] Bridge& bridge() { return bridge_; }
  [[nodiscard]] Link& link() { return link_; }
  [[nodiscard]] MemoryPath& memory() { return memory_; }

 private:
  void on_arrival(Channel&) override { pump(); }
  void on_bad_tlp(Channel&) override { bridge_.note_bad_tlp(); }
  void on_room(Channel&) override;
  void pump();
  // A completion that access control sent here on its way from one function below to another.
  [[nodiscard]] bool turns_round(const pcie::Tlp& tlp) const;
  void take(Packet packet);
  void take_message(const Packet& packet);
  void refuse(const Packet& packet, const Refusal& why);
  void on_report(Bridge& bridge) override;

  const Scheduler& scheduler_;
  Witness& witness_;
  Bridge& bridge_;
  Link& link_;
  MemoryPath& memory_;
  HostSide& host_;
};

}  // namespace holdover::sim
