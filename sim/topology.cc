// SPDX-License-Identifier: MIT
#include "sim/topology.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "pcie/error.h"
#include "sim/aspm.h"
#include "sim/silence_bound.h"

namespace holdover::sim {
namespace {

constexpr std::array<TopologyEntry, 3> kTopologies{{
    {"direct", "one root port, and the endpoint below it"},
    {"switch", "one root port, a switch with two downstream ports, and an endpoint below each"},
    {"wide", "a server: four root ports, two of them empty, a switch below a switch, and three endpoints"},
}};

// The longest a credit update is late, and the time for which all updates of a class are held back now and then.
constexpr Time kCreditDelayMax{200'000};
constexpr Time kCreditHold{500'000};

void disturb(const MachineConfig& config, ChannelConfig& channel) {
  if (config.disturbance.replay) channel.replay_wait = longest_replay_wait(config);
  channel.l0s_exit = l0s_exit(config.aspm);
  for (std::size_t flow = 0; flow < kFlowClasses.size(); ++flow) {
    if (!config.disturbance.starve_credits[flow]) continue;
    channel.credit_delay_max[flow] = kCreditDelayMax;
    channel.credit_hold[flow] = kCreditHold;
  }
}

const std::vector<Place>& direct_places() {
  static const std::vector<Place> kPlaces{{FunctionKind::RootPort, -1, 1}, {FunctionKind::Endpoint, 0, 0}};
  return kPlaces;
}

const std::vector<Place>& switch_places() {
  static const std::vector<Place> kPlaces{
      {FunctionKind::RootPort, -1, 1},        {FunctionKind::SwitchUpstream, 0, 0},
      {FunctionKind::SwitchDownstream, 1, 0}, {FunctionKind::SwitchDownstream, 1, 1},
      {FunctionKind::Endpoint, 2, 0},         {FunctionKind::Endpoint, 3, 0}};
  return kPlaces;
}

// An endpoint below a root port of its own, one below a switch, one below a switch below that; a port of each kind is
// empty.
const std::vector<Place>& wide_places() {
  static const std::vector<Place> kPlaces{
      {FunctionKind::RootPort, -1, 1},        {FunctionKind::RootPort, -1, 2},
      {FunctionKind::RootPort, -1, 3},        {FunctionKind::RootPort, -1, 5},
      {FunctionKind::SwitchUpstream, 2, 0},   {FunctionKind::SwitchDownstream, 4, 0},
      {FunctionKind::SwitchDownstream, 4, 1}, {FunctionKind::SwitchDownstream, 4, 2},
      {FunctionKind::SwitchUpstream, 6, 0},   {FunctionKind::SwitchDownstream, 8, 0},
      {FunctionKind::SwitchDownstream, 8, 1}, {FunctionKind::Endpoint, 0, 0},
      {FunctionKind::Endpoint, 5, 0},         {FunctionKind::Endpoint, 10, 0}};
  return kPlaces;
}

// Payload credits, in units, that keep a link busy while credits come back.
unsigned enough_data_credits(const MachineConfig& config, Time receive_latency) {
  const LinkRate rate{config.link, config.endpoint.max_payload_supported};
  const Time round_trip = config.link.propagation * 2 + receive_latency + kCreditDelayMax + longest_update_wait(config);
  const std::uint64_t packet = std::uint64_t{128} << config.endpoint.max_payload_supported;
  const std::uint64_t packets = round_trip / rate.time_of(Bytes{packet}) + 3;
  return static_cast<unsigned>(packets * packet / kCreditUnit.count());
}

std::string name_of(FunctionKind kind, unsigned number) {
  switch (kind) {
    case FunctionKind::RootPort:
      return "root port " + std::to_string(number);
    case FunctionKind::SwitchUpstream:
      return "switch " + std::to_string(number);
    case FunctionKind::SwitchDownstream:
      return "switch port " + std::to_string(number);
    case FunctionKind::Endpoint:
      return "endpoint " + std::to_string(number);
  }
  return {};
}

}  // namespace

std::span<const TopologyEntry> topologies() { return kTopologies; }

const std::vector<Place>& places_of(std::string_view topology) {
  if (topology == kTopologies[0].name) return direct_places();
  if (topology == kTopologies[1].name) return switch_places();
  if (topology == kTopologies[2].name) return wide_places();
  std::string names;
  for (const TopologyEntry& entry : kTopologies) names += (names.empty() ? "" : ", ") + std::string{entry.name};
  throw Error(ErrorCode::InvalidArgument,
              "There is no topology «" + std::string{topology} + "»; there are: " + names + ".");
}

ChannelConfig upward_channel(const MachineConfig& config, FunctionKind above, FunctionKind below) {
  ChannelConfig channel;
  const bool endpoint = below == FunctionKind::Endpoint;
  // A hard block needs room for whole bursts; a switch only enough to keep its link busy.
  channel.transmit_slots = endpoint ? std::array<unsigned, 3>{kPostedSlots, kNonPostedSlots, kCompletionSlots}
                                    : std::array<unsigned, 3>{2, 2, 2};
  channel.completions_follow_posted = !endpoint;
  if (above != FunctionKind::RootPort) channel.receive_latency = kSwitchLatency;
  const unsigned data = enough_data_credits(config, channel.receive_latency);
  channel.header_credits = {16, 8, 8};
  channel.data_credits = {data, 8, data};
  disturb(config, channel);
  return channel;
}

ChannelConfig downward_channel(const MachineConfig& config, FunctionKind below) {
  ChannelConfig channel;
  channel.transmit_slots = {4, 4, 4};
  if (below != FunctionKind::Endpoint) channel.receive_latency = kSwitchLatency;
  const unsigned data = enough_data_credits(config, channel.receive_latency);
  channel.header_credits = {16, 8, 32};
  channel.data_credits = {data, 8, 2 * data};
  // PCIe 5.0, 2.6.1: an endpoint advertises infinite completion credits.
  if (below == FunctionKind::Endpoint) channel.header_credits[index_of(pcie::FlowClass::Completion)] = 0;
  disturb(config, channel);
  return channel;
}

EndpointConfig straps_of(const MachineConfig& config, unsigned endpoint) {
  EndpointConfig straps = config.endpoint;
  straps.serial_number += endpoint;
  straps.link_speed = config.link.generation;
  straps.link_width = config.link.lanes;
  return straps;
}

Time longest_packet(const MachineConfig& config) {
  constexpr Bytes kHeader{16};
  // Data link packets are most frequent at the smallest payload.
  return LinkRate{config.link, 0}.time_of(kHeader + Bytes{std::uint64_t{128} << config.endpoint.max_payload_supported});
}

Time longest_update_wait(const MachineConfig& config) {
  Time longest;
  Time update;
  for (unsigned payload = 0; payload <= std::max(config.endpoint.max_payload_supported, 2u); ++payload) {
    const LinkRate rate{config.link, payload};
    longest = std::max(longest, rate.update_latency() + rate.update_interval() * kFlowClasses.size());
    update = rate.update_time();
  }
  return longest + longest_packet(config) + update * 2 + l0s_exit(config.aspm);
}

Time longest_replay_wait(const MachineConfig& config) {
  return longest_packet(config) + LinkRate{config.link, 0}.update_time();
}

Topology::Topology(const MachineConfig& config, const Surroundings& surroundings,
                   const EndpointFactory& make_endpoint) {
  const std::vector<Place>& places = places_of(config.topology);
  for (const Place& place : places) {
    if (place.kind != FunctionKind::Endpoint) add_bridge(config, surroundings, place);
  }
  for (FunctionIndex port = 0; port < bridges_.size(); ++port) {
    links_.emplace_back();
    paths_.emplace_back();
    if (places[port].kind == FunctionKind::SwitchUpstream) continue;
    const auto below = std::find_if(places.begin(), places.end(),
                                    [&](const Place& place) { return place.parent == static_cast<int>(port); });
    add_link(config, surroundings, port, below == places.end() ? nullptr : &*below);
  }
  add_switches(surroundings, places);
  for (const Place& place : places) {
    if (place.kind == FunctionKind::Endpoint) add_endpoint(config, surroundings, place, make_endpoint);
  }
}

void Topology::add_bridge(const MachineConfig& config, const Surroundings& surroundings, const Place& place) {
  const auto same_kind = std::count_if(functions_.begin(), functions_.end(),
                                       [&](const FunctionInfo& other) { return other.kind == place.kind; });
  FunctionInfo info;
  info.name = name_of(place.kind, static_cast<unsigned>(same_kind));
  info.kind = place.kind;
  if (place.parent >= 0) info.parent = static_cast<FunctionIndex>(place.parent);
  Bridge::Identity identity;
  identity.index = static_cast<FunctionIndex>(functions_.size());
  identity.kind = place.kind;
  identity.name = info.name;
  identity.device = place.device;
  identity.port = static_cast<unsigned>(same_kind);
  identity.max_payload_supported = std::max(config.endpoint.max_payload_supported, 2u);
  bridges_.push_back(
      std::make_unique<Bridge>(surroundings.services.scheduler, surroundings.services.witness, identity));
  functions_.push_back(std::move(info));
}

void Topology::add_link(const MachineConfig& config, const Surroundings& surroundings, FunctionIndex port,
                        const Place* below) {
  Bridge& bridge = *bridges_[port];
  const MemoryServices& services = surroundings.services;
  LinkParameters parameters;
  parameters.config = config.link;
  parameters.occupied = below != nullptr;
  const FunctionKind kind = below == nullptr ? FunctionKind::Endpoint : below->kind;
  if (kind == FunctionKind::Endpoint) parameters.aspm = config.endpoint.aspm;
  parameters.up = upward_channel(config, bridge.identity().kind, kind);
  parameters.down = downward_channel(config, kind);
  parameters.training = kTrainingTime + std::max(late_answer(config), longest_answer(config));
  links_[port] = std::make_unique<Link>(services.scheduler, config.seed, bridge.identity().name, parameters,
                                        [this, services, port](bool up) {
                                          bridges_[port]->note_link_state();
                                          services.witness.on_link(services.scheduler.now(), port, up);
                                          if (up) return;
                                          if (paths_[port]) paths_[port]->drop_answers();
                                          bridges_[port]->note_link_down();
                                        });
  bridge.set_link_below(*links_[port]);
  links_[port]->set_retrain_sink([&bridge] { bridge.note_retrained(); });
  links_[port]->set_surprise_sink([&bridge] { bridge.note_surprise_down(); });
  if (surroundings.checker != nullptr) watch_link(config, services, port, kind);
  if (bridge.identity().kind != FunctionKind::RootPort) return;
  paths_[port] = std::make_unique<MemoryPath>(services, config.disturbance, late_answer(config),
                                              Random{config.seed, bridge.identity().name + "/memory"}, bridge,
                                              links_[port]->down(), surroundings.root.host_side());
  root_ports_.push_back(std::make_unique<RootPort>(services.scheduler, services.witness, bridge, *links_[port],
                                                   *paths_[port], surroundings.root.host_side()));
  surroundings.root.add(*root_ports_.back());
}

void Topology::watch_link(const MachineConfig& config, const MemoryServices& services, FunctionIndex port,
                          FunctionKind below) {
  const auto watch = [&](Channel& channel, const char* direction, bool endpoint_receives) {
    FlowMonitor::Place place;
    place.name = bridges_[port]->identity().name + " " + direction;
    place.endpoint_receives = endpoint_receives;
    place.largest_payload = Bytes{128u << config.endpoint.max_payload_supported};
    place.independent_completions = !channel.config().completions_follow_posted;
    monitors_.push_back(std::make_unique<FlowMonitor>(
        std::move(place), [&witness = services.witness](const Violation& found) { witness.on_violation(found); }));
    channel.set_monitor(*monitors_.back());
  };
  watch(links_[port]->down(), "down", below == FunctionKind::Endpoint);
  watch(links_[port]->up(), "up", false);
}

void Topology::add_switches(const Surroundings& surroundings, const std::vector<Place>& places) {
  for (FunctionIndex upstream = 0; upstream < bridges_.size(); ++upstream) {
    if (places[upstream].kind != FunctionKind::SwitchUpstream) continue;
    Link& above = *links_[static_cast<std::size_t>(places[upstream].parent)];
    bridges_[upstream]->set_link_above(above);
    std::vector<Switch::Port> downstream;
    for (FunctionIndex port = 0; port < bridges_.size(); ++port) {
      if (places[port].parent != static_cast<int>(upstream)) continue;
      downstream.push_back(Switch::Port{bridges_[port].get(), links_[port].get()});
    }
    switches_.push_back(std::make_unique<Switch>(surroundings.services.scheduler, surroundings.services.witness,
                                                 Switch::Port{bridges_[upstream].get(), &above},
                                                 std::move(downstream)));
  }
}

void Topology::add_endpoint(const MachineConfig& config, const Surroundings& surroundings, const Place& place,
                            const EndpointFactory& make_endpoint) {
  const auto number = static_cast<unsigned>(endpoints_.size());
  FunctionInfo info;
  info.name = name_of(FunctionKind::Endpoint, number);
  info.parent = static_cast<FunctionIndex>(place.parent);
  info.endpoint = number;
  const EndpointConfig straps = straps_of(config, number);
  const EndpointPort::Watchers watchers{surroundings.services.witness, surroundings.checker, surroundings.trace};
  endpoints_.push_back(std::make_unique<EndpointPort>(
      surroundings.services.scheduler, watchers, number, static_cast<FunctionIndex>(functions_.size()),
      *links_[static_cast<std::size_t>(place.parent)], straps, make_endpoint(number, straps)));
  functions_.push_back(std::move(info));
}

Link& Topology::link_above(unsigned endpoint) { return *links_[*functions_[endpoints_[endpoint]->index()].parent]; }

pcie::Bdf Topology::bdf(FunctionIndex function) const {
  HOLDOVER_CHECK(function < functions_.size());
  const FunctionInfo& info = functions_[function];
  if (info.kind == FunctionKind::Endpoint) {
    return pcie::Bdf::from_requester_id(endpoints_[info.endpoint]->function().bdf);
  }
  pcie::Bdf bdf = bridges_[function]->bdf();
  if (info.kind == FunctionKind::SwitchDownstream) bdf.bus = bridges_[*info.parent]->secondary_bus();
  return bdf;
}

}  // namespace holdover::sim
