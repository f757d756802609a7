// SPDX-License-Identifier: MIT
// Packets, and somebody who takes them.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/channel.h"

namespace holdover::sim {

inline pcie::Tlp tlp(pcie::TlpKind kind, std::uint16_t tag, unsigned bytes = 0) {
  pcie::Tlp value;
  value.kind = kind;
  value.tag = tag;
  value.payload.resize(bytes);
  value.length_dw = static_cast<std::uint16_t>(bytes / 4);
  return value;
}

struct Receiver final : ChannelReceiver {
  void on_arrival(Channel& channel) override {
    if (!taking) return;
    while (const auto flow = channel.received().oldest([](const Packet&) { return true; })) {
      tags.push_back(channel.take(*flow).tlp.tag);
    }
  }
  bool taking = true;
  std::vector<std::uint16_t> tags;
};

}  // namespace holdover::sim
