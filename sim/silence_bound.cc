// SPDX-License-Identifier: MIT
#include "sim/silence_bound.h"

#include <algorithm>
#include <vector>

#include "sim/channel.h"
#include "sim/endpoint_port.h"
#include "sim/iommu.h"
#include "sim/link_rate.h"
#include "sim/memory_path.h"
#include "sim/scheduler.h"
#include "sim/topology.h"

namespace holdover::sim {
namespace {

// Of the endpoint: tags, and the longest read.
constexpr std::uint64_t kTags = 256;
constexpr Bytes kLargestRead{512};
// Of the answer to one, cut at every boundary.
constexpr std::uint64_t kMostPieces = kLargestRead.count() / kReadCompletionBoundary + 1;
// Register stages between a heartbeat's deadline and the pins, generously.
constexpr std::uint64_t kPipelineClocks = 16;
constexpr Bytes kHeader{16};
// A record is 32 bytes.
constexpr Bytes kRecord{32};

constexpr std::size_t kPosted = 0;
constexpr std::size_t kNonPosted = 1;
constexpr std::size_t kCompletion = 2;

// Time for what may stand before a record in one queue.
struct Queue {
  Time longest;  // a posted request of the maximum payload
  Time read;     // a non-posted request
  Time others;   // what the other ports may send between two of ours

  [[nodiscard]] Time drain(std::uint64_t posted, std::uint64_t reads, std::uint64_t completions) const {
    return (longest + others) * posted + (read + others) * reads + (longest + others) * completions;
  }
};

// Links between an endpoint and the root complex.
std::uint64_t depth_of(const std::vector<Place>& places, const Place& endpoint) {
  std::uint64_t links = 0;
  for (int port = endpoint.parent; port >= 0; port = places[static_cast<std::size_t>(port)].parent) {
    links += places[static_cast<std::size_t>(port)].kind == FunctionKind::SwitchUpstream ? 0u : 1u;
  }
  return links;
}

// What an answer that overtakes all others takes beside the latency of memory.
Time way_of_answer(const MachineConfig& config) {
  const LinkRate rate{config.link, 0};
  const Time longest = rate.time_of(kHeader + Bytes{std::uint64_t{128} << config.endpoint.max_payload_supported});
  const std::vector<Place>& places = places_of(config.topology);
  // There: what a posted request may take, and the time in which the endpoint's request gets out of its core. Back: on
  // each link everything that the port above can hold before the pieces of the answer, each as long as can be, and a
  // credit held back for each class.
  Time way = kClockPeriod * kPipelineClocks;
  std::uint64_t links = 0;
  for (const Place& place : places) {
    if (place.kind == FunctionKind::RootPort || place.kind == FunctionKind::SwitchUpstream) continue;
    links = std::max<std::uint64_t>(links, place.kind == FunctionKind::Endpoint ? depth_of(places, place) : 0);
  }
  const ChannelConfig up = upward_channel(config, FunctionKind::RootPort, FunctionKind::SwitchUpstream);
  const ChannelConfig down = downward_channel(config, FunctionKind::SwitchUpstream);
  const auto held = [longest](const ChannelConfig& channel) {
    std::uint64_t packets = 0;
    Time credits;
    for (std::size_t flow = 0; flow < kFlowClasses.size(); ++flow) {
      packets += channel.transmit_slots[flow] + channel.header_credits[flow];
      credits += channel.credit_delay_max[flow] + channel.credit_hold[flow];
    }
    return longest * packets + credits + channel.receive_latency;
  };
  // In the endpoint: completions of all other tags, in pieces as small as can be, each with a beat more than its bytes
  // fill, before the endpoint has taken them in.
  const std::uint64_t pieces = (kTags - 1) * kMostPieces;
  const std::uint64_t beats = kReadCompletionBoundary * 8 / config.endpoint.data_width + 1;
  way += kClockPeriod * (pieces * beats);
  const std::uint64_t block = kPostedSlots + kNonPostedSlots + kCompletionSlots + 2;
  way += longest * block + (held(up) + held(down) + config.link.propagation * 4) * links;
  way += kWalkStep * Iommu::kMostReads + config.disturbance.write_latency_max;
  return way;
}

}  // namespace

SilenceBound silence_bound(const MachineConfig& config) {
  const std::vector<Place>& places = places_of(config.topology);
  const LinkRate rate{config.link, 0};  // data link packets are most frequent at the smallest payload
  const Bytes payload{std::uint64_t{128} << config.endpoint.max_payload_supported};
  Queue queue;
  queue.longest = rate.time_of(kHeader + payload);
  queue.read = rate.time_of(kHeader);

  SilenceBound bound;
  const auto add = [&](std::string name, Time time) {
    bound.terms.push_back({std::move(name), time});
    bound.total += time;
  };

  add("packet in the endpoint's stream",
      kClockPeriod * (payload.count() * 8 / config.endpoint.data_width + 1 + kPipelineClocks));
  // Two more than the block holds: the one in the stream, and the one on the wire.
  add("hard block's buffers at wire rate", queue.drain(kPostedSlots + 2, kNonPostedSlots, kCompletionSlots));

  // The worst place of the topology: the endpoint with the most ports above it.
  unsigned deepest = 0;
  std::uint64_t neighbours = 0;
  for (const Place& place : places) {
    if (place.kind != FunctionKind::Endpoint) continue;
    unsigned depth = 0;
    std::uint64_t others = 0;
    for (int port = place.parent; port >= 0; port = places[static_cast<std::size_t>(port)].parent) {
      if (places[static_cast<std::size_t>(port)].kind != FunctionKind::SwitchUpstream) continue;
      ++depth;
      const auto siblings =
          std::count_if(places.begin(), places.end(), [&](const Place& other) { return other.parent == port; });
      others = std::max(others, static_cast<std::uint64_t>(siblings) - 1);
    }
    if (depth > deepest) {
      deepest = depth;
      neighbours = others;
    }
  }
  queue.others = queue.longest * neighbours;
  for (unsigned level = 0; level < deepest; ++level) {
    const ChannelConfig in = upward_channel(config, FunctionKind::SwitchDownstream, FunctionKind::Endpoint);
    const ChannelConfig out = upward_channel(config, FunctionKind::RootPort, FunctionKind::SwitchUpstream);
    // What the receive buffer can hold at once: few large packets, or many small ones.
    const std::uint64_t large = in.data_credits[kPosted] * kCreditUnit.count() / payload.count() + 1;
    const std::uint64_t small = in.header_credits[kPosted] - std::min<std::uint64_t>(large, in.header_credits[kPosted]);
    add("switch's receive buffer, sharing the link above",
        queue.drain(large, in.header_credits[kNonPosted] + small, in.header_credits[kCompletion]));
    add("switch's transmit queue",
        queue.drain(out.transmit_slots[kPosted] + 1, out.transmit_slots[kNonPosted], out.transmit_slots[kCompletion]));
    add("forwarding through the switch", kSwitchLatency);
  }
  const ChannelConfig last = upward_channel(config, FunctionKind::RootPort,
                                            deepest == 0 ? FunctionKind::Endpoint : FunctionKind::SwitchUpstream);
  add("credits on their way back", (last.credit_delay_max[kPosted] + config.link.propagation * 2) * (deepest + 1));
  add("credits held back", last.credit_hold[kPosted] * (deepest + 1));
  add("propagation", config.link.propagation * (deepest + 1));
  add("the record on the wire", rate.time_of(kHeader + kRecord) * (deepest + 1));
  add("page table walk", kWalkStep * Iommu::kMostReads);
  add("write latency of memory", config.disturbance.delay ? config.disturbance.write_latency_max : Time{0});
  bound.late_answer = late_answer(config);
  return bound;
}

Time longest_answer(const MachineConfig& config) {
  // All other answers that the endpoints below the port wait for may be ahead.
  const LinkRate rate{config.link, 0};
  std::uint64_t endpoints = 0;
  for (const Place& place : places_of(config.topology)) endpoints += place.kind == FunctionKind::Endpoint ? 1 : 0;
  const Time piece = rate.time_of(kHeader + Bytes{kReadCompletionBoundary});
  return way_of_answer(config) + piece * (kTags * kMostPieces * endpoints) + config.disturbance.read_latency_max;
}

Time late_answer(const MachineConfig& config) {
  if (!config.disturbance.answer_late) return {};
  const Time way = way_of_answer(config);
  const Time timeout = config.endpoint.completion_timeout;
  if (timeout <= way + config.disturbance.read_latency_max) return {};
  return timeout - way;
}

}  // namespace holdover::sim
