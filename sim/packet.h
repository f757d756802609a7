// SPDX-License-Identifier: MIT
// A TLP on its way through the machine, and the queue that keeps the transaction ordering rules.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "pcie/error.h"
#include "pcie/tlp.h"

namespace holdover::sim {

// Where a TLP came from, whatever its requester ID says: the index of an endpoint, or the host or a bridge.
inline constexpr unsigned kFromHost = ~0u;

struct Packet {
  pcie::Tlp tlp;
  unsigned origin = kFromHost;
};

inline constexpr std::array<pcie::FlowClass, 3> kFlowClasses{pcie::FlowClass::Posted, pcie::FlowClass::NonPosted,
                                                             pcie::FlowClass::Completion};
[[nodiscard]] constexpr std::size_t index_of(pcie::FlowClass flow) { return static_cast<std::size_t>(flow); }

// Three queues and one order among them (PCIe 5.0, 2.4.1, table 2-40): nothing passes a posted request, posted requests
// and completions pass non-posted requests that are stuck, and relaxed and ID-based ordering are not made use of.
class OrderedQueue {
 public:
  // Where completions come from a stream of their own they have no order against posted requests.
  explicit OrderedQueue(bool completions_follow_posted = true)
      : completions_follow_posted_(completions_follow_posted) {}

  void push(Packet packet) {
    const std::size_t flow = index_of(pcie::flow_class(packet.tlp.kind));
    queues_[flow].push_back(Entry{std::move(packet), order_++});
    ++size_;
  }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t size(pcie::FlowClass flow) const { return queues_[index_of(flow)].size(); }

  // Whether the oldest packet of this class may leave as far as order goes.
  [[nodiscard]] bool eligible(pcie::FlowClass flow) const {
    const auto& queue = queues_[index_of(flow)];
    if (queue.empty()) return false;
    if (flow == pcie::FlowClass::Posted) return true;
    if (flow == pcie::FlowClass::Completion && !completions_follow_posted_) return true;
    const auto& posted = queues_[index_of(pcie::FlowClass::Posted)];
    return posted.empty() || posted.front().order > queue.front().order;
  }
  // Stays valid until it is popped.
  [[nodiscard]] Packet& front(pcie::FlowClass flow) { return queues_[index_of(flow)].front().packet; }
  // The class whose front came first among those that are eligible and for which `fits(packet)` is true.
  template <typename Fits>
  [[nodiscard]] std::optional<pcie::FlowClass> oldest(Fits fits) {
    std::optional<pcie::FlowClass> found;
    std::uint64_t found_order = 0;
    for (const pcie::FlowClass flow : kFlowClasses) {
      if (!eligible(flow)) continue;
      const Entry& entry = queues_[index_of(flow)].front();
      if (found && entry.order > found_order) continue;
      if (!fits(entry.packet)) continue;
      found = flow;
      found_order = entry.order;
    }
    return found;
  }
  Packet pop(pcie::FlowClass flow) {
    auto& queue = queues_[index_of(flow)];
    HOLDOVER_CHECK(!queue.empty());
    Packet packet = std::move(queue.front().packet);
    queue.pop_front();
    --size_;
    return packet;
  }
  void clear() {
    for (auto& queue : queues_) queue.clear();
    size_ = 0;
  }

 private:
  struct Entry {
    Packet packet;
    std::uint64_t order;
  };
  bool completions_follow_posted_;
  std::array<std::deque<Entry>, 3> queues_;
  std::uint64_t order_ = 0;
  std::size_t size_ = 0;
};

}  // namespace holdover::sim
