// SPDX-License-Identifier: MIT
#include "sim/silence_bound.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "sim/aspm.h"
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

// Of a long time no more than this part is lost to replays: the spacing is 64 times what one costs, in each direction.
constexpr std::uint64_t kReplayShare = kHoldSpacing / 2;

// Nor more than this to credits that are held back.
constexpr std::uint64_t kHoldShare = kHoldSpacing / 2;

// One switch on the way of an endpoint's requests.
struct Level {
  unsigned number = 0;      // of the switch
  std::uint64_t share = 1;  // packets that leave the machine's links above while one of ours leaves this switch
};

// The switches above an endpoint, the next one first. Ports are served in turn, so between two packets from one port
// each other one that anything comes from has its turn.
std::vector<Level> levels_above(const std::vector<Place>& places, const Place& endpoint) {
  const auto leads_to_endpoint = [&](std::size_t port) {
    return std::any_of(places.begin(), places.end(), [&](const Place& place) {
      if (place.kind != FunctionKind::Endpoint) return false;
      for (int above = place.parent; above >= 0; above = places[static_cast<std::size_t>(above)].parent) {
        if (static_cast<std::size_t>(above) == port) return true;
      }
      return false;
    });
  };
  std::vector<Level> levels;
  for (int port = endpoint.parent; port >= 0; port = places[static_cast<std::size_t>(port)].parent) {
    if (places[static_cast<std::size_t>(port)].kind != FunctionKind::SwitchUpstream) continue;
    Level level;
    level.share = 0;
    for (std::size_t other = 0; other < places.size(); ++other) {
      if (static_cast<int>(other) < port && places[other].kind == FunctionKind::SwitchUpstream) ++level.number;
      if (places[other].parent == port && leads_to_endpoint(other)) ++level.share;
    }
    levels.push_back(level);
  }
  // A link is slowed down by every switch above it.
  for (std::size_t i = levels.size(); i > 1; --i) levels[i - 2].share *= levels[i - 1].share;
  return levels;
}

// Time for what may stand before a record in one queue, where other ports have `share` - 1 turns between two of ours.
struct Queue {
  Time longest;  // a posted request of the maximum payload
  Time read;     // a non-posted request

  [[nodiscard]] Time drain(std::uint64_t posted, std::uint64_t reads, std::uint64_t completions,
                           std::uint64_t share) const {
    // In a turn a port sends at most one request of each kind.
    const Time others = (longest + read) * (share - 1);
    return (longest + others) * posted + (read + others) * reads + (longest + others) * completions;
  }
};

// Everything that both ends of a channel can hold, each packet as long as can be, and a credit held back for each
// class.
Time held(const ChannelConfig& channel, Time longest, Time update, std::uint64_t share) {
  std::uint64_t packets = 0;
  Time credits;
  for (std::size_t flow = 0; flow < kFlowClasses.size(); ++flow) {
    packets += channel.transmit_slots[flow] + channel.header_credits[flow];
    credits += channel.credit_delay_max[flow] + channel.credit_hold[flow] + update;
  }
  return longest * packets * (2 * share - 1) + credits + channel.receive_latency;
}

// What an answer that overtakes all others takes beside the latency of memory.
Time way_of_answer(const MachineConfig& config) {
  const LinkRate rate{config.link, 0};
  const Time longest = rate.time_of(kHeader + Bytes{std::uint64_t{128} << config.endpoint.max_payload_supported});
  const std::vector<Place>& places = places_of(config.topology);
  // There: what a posted request may take, and the time in which the endpoint's request gets out of its core. Back: on
  // each link everything that the port above can hold before the pieces of the answer.
  const ChannelConfig up = upward_channel(config, FunctionKind::RootPort, FunctionKind::SwitchUpstream);
  const ChannelConfig down = downward_channel(config, FunctionKind::SwitchUpstream);
  const std::uint64_t block = kPostedSlots + kNonPostedSlots + kCompletionSlots + 2;
  // A credit may come back to a wire that has fallen asleep for want of it.
  const Time update = longest_update_wait(config) + l0s_exit(config.aspm);
  Time links;
  std::uint64_t most_links = 0;
  for (const Place& place : places) {
    if (place.kind != FunctionKind::Endpoint) continue;
    const std::vector<Level> levels = levels_above(places, place);
    const auto share = [&](std::size_t link) { return link < levels.size() ? levels[link].share : 1; };
    Time way = longest * block * (2 * share(0) - 1);
    for (std::size_t link = 0; link <= levels.size(); ++link) {
      way += held(up, longest, update, share(link)) + held(down, longest, update, 1) + config.link.propagation * 4;
      // Both the request and, after the latency of memory, the answer may find the link asleep.
      way += longest_exit(config.aspm) * 2;
    }
    links = std::max(links, way);
    most_links = std::max<std::uint64_t>(most_links, levels.size() + 1);
  }
  // In the endpoint: completions of all other tags, in pieces as small as can be, each with a beat more than its bytes
  // fill, before the endpoint has taken them in.
  const std::uint64_t pieces = (kTags - 1) * kMostPieces;
  const std::uint64_t beats = kReadCompletionBoundary * 8 / config.endpoint.data_width + 1;
  Time way = links + kClockPeriod * kPipelineClocks + kClockPeriod * (pieces * beats) + kWalkStep * Iommu::kMostReads +
             config.disturbance.write_latency_max;
  // There and back, each link sends again once, and then no more often than its spacing allows.
  const Time replay = replay_cost(longest, up.replay_wait, config.link.propagation, up.l0s_exit);
  if (replay != Time{0}) way += (replay * 2) * most_links + way / kReplayShare;
  return way;
}

// Towards a switch completions need credits: as many of them in a round trip as it has headers.
Time time_of_completion_credit(const MachineConfig& config) {
  const std::vector<Place>& places = places_of(config.topology);
  const bool has_switch = std::any_of(places.begin(), places.end(),
                                      [](const Place& place) { return place.kind == FunctionKind::SwitchUpstream; });
  if (!has_switch) return {};
  const ChannelConfig down = downward_channel(config, FunctionKind::SwitchUpstream);
  const Time round_trip = down.credit_delay_max[kCompletion] + config.link.propagation * 2 + down.receive_latency +
                          longest_update_wait(config) + longest_packet(config);
  return round_trip / down.header_credits[kCompletion] + Time{1};
}

// Of the records of one endpoint.
SilenceBound bound_of(const MachineConfig& config, const std::vector<Level>& levels) {
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
  add("hard block's buffers at wire rate",
      queue.drain(kPostedSlots + 2, kNonPostedSlots, kCompletionSlots, levels.empty() ? 1 : levels.front().share));
  Time credits;
  Time holds;
  Time exits;
  for (std::size_t link = 0; link <= levels.size(); ++link) {
    const bool last = link == levels.size();
    const ChannelConfig in = upward_channel(config, last ? FunctionKind::RootPort : FunctionKind::SwitchDownstream,
                                            link == 0 ? FunctionKind::Endpoint : FunctionKind::SwitchUpstream);
    // What a switch holds needs the credits of the link above more than once.
    const std::uint64_t rounds = link == 0 ? 1 : 2;
    credits += (in.credit_delay_max[kPosted] + config.link.propagation * 2 + in.receive_latency +
                longest_update_wait(config)) *
               rounds;
    holds += in.credit_hold[kPosted];
    // The link that the record, or what it waits behind, finds asleep. Then, L1 being for links on which nothing waits,
    // the wire that has fallen into L0s for want of credits: once for each time that it waits for them, and once where
    // they are held back.
    const bool held_back = in.credit_hold[kPosted] != Time{0};
    exits += longest_exit(config.aspm) + l0s_exit(config.aspm) * (rounds + (held_back ? 1 : 0));
    if (last) break;
    const ChannelConfig out = upward_channel(config, FunctionKind::RootPort, FunctionKind::SwitchUpstream);
    const std::string name = "switch " + std::to_string(levels[link].number);
    // What the receive buffer can hold at once: few large packets, or many small ones.
    const std::uint64_t large = in.data_credits[kPosted] * kCreditUnit.count() / payload.count() + 1;
    const std::uint64_t small = in.header_credits[kPosted] - std::min<std::uint64_t>(large, in.header_credits[kPosted]);
    add("receive buffer of " + name + ", sharing the links above",
        queue.drain(large, in.header_credits[kNonPosted] + small, in.header_credits[kCompletion], levels[link].share));
    add("transmit queue of " + name,
        queue.drain(out.transmit_slots[kPosted] + 1, out.transmit_slots[kNonPosted], out.transmit_slots[kCompletion],
                    link + 1 < levels.size() ? levels[link + 1].share : 1));
    add("forwarding through " + name, kSwitchLatency);
  }
  add("credits on their way back", credits);
  add("credits held back", holds);
  if (exits != Time{0}) add("links that leave low power", exits);
  add("propagation", config.link.propagation * (levels.size() + 1));
  add("the record on the wire", rate.time_of(kHeader + kRecord) * (levels.size() + 1));
  add("page table walk", kWalkStep * Iommu::kMostReads);
  add("write latency of memory", config.disturbance.delay ? config.disturbance.write_latency_max : Time{0});
  const Time wait = upward_channel(config, FunctionKind::RootPort, FunctionKind::Endpoint).replay_wait;
  if (wait != Time{0}) {
    // Of each link: one, and as many as their spacing allows in twice the time of all the rest.
    const Time propagation = config.link.propagation;
    const Time exit = l0s_exit(config.aspm);
    const std::uint64_t replays = 1 + bound.total * 2 / replay_spacing(wait, propagation, exit);
    add("replays", replay_cost(queue.longest, wait, propagation, exit) * (replays * (levels.size() + 1)));
  }
  if (!levels.empty()) {
    // The host has one access at a time under way, and each takes at least the way there and back.
    const std::uint64_t answers = bound.total / (config.link.propagation * 2 + kSwitchLatency) + 1;
    add("switches' answers to the host in between", rate.time_of(kHeader + Bytes{4}) * answers);
  }
  return bound;
}

}  // namespace

SilenceBound silence_bound(const MachineConfig& config) {
  const std::vector<Place>& places = places_of(config.topology);
  SilenceBound worst;
  for (const Place& place : places) {
    if (place.kind != FunctionKind::Endpoint) continue;
    SilenceBound bound = bound_of(config, levels_above(places, place));
    if (bound.total > worst.total) worst = std::move(bound);
  }
  worst.late_answer = late_answer(config);
  return worst;
}

Time longest_answer(const MachineConfig& config) {
  // All other answers that the endpoints below the same root port wait for may be ahead.
  const LinkRate rate{config.link, 0};
  const std::vector<Place>& places = places_of(config.topology);
  std::vector<std::uint64_t> below(places.size());
  for (const Place& place : places) {
    if (place.kind != FunctionKind::Endpoint) continue;
    int port = place.parent;
    while (places[static_cast<std::size_t>(port)].parent >= 0) port = places[static_cast<std::size_t>(port)].parent;
    ++below[static_cast<std::size_t>(port)];
  }
  const std::uint64_t endpoints = *std::max_element(below.begin(), below.end());
  const Time piece =
      std::max(rate.time_of(kHeader + Bytes{kReadCompletionBoundary}), time_of_completion_credit(config));
  const Time others = piece * (kTags * kMostPieces * endpoints);
  return way_of_answer(config) + others + others / kReplayShare + others / kHoldShare +
         config.disturbance.read_latency_max;
}

Time late_answer(const MachineConfig& config) {
  if (!config.disturbance.answer_late) return {};
  const Time way = way_of_answer(config);
  const Time timeout = config.endpoint.completion_timeout;
  if (timeout <= way + config.disturbance.read_latency_max) return {};
  return timeout - way;
}

}  // namespace holdover::sim
