// SPDX-License-Identifier: MIT
// Builds the tree of bridges, links and endpoints that a topology's name stands for.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "sim/bridge.h"
#include "sim/endpoint.h"
#include "sim/endpoint_port.h"
#include "sim/link.h"
#include "sim/memory_path.h"
#include "sim/root_complex.h"
#include "sim/root_port.h"
#include "sim/switch.h"
#include "sim/witness.h"

namespace holdover::sim {

// One function of a topology: bridges top-down, then endpoints, as FunctionIndex counts.
struct Place {
  FunctionKind kind = FunctionKind::Endpoint;
  int parent = -1;          // index of the bridge above
  std::uint8_t device = 0;  // device number on the bus that the parent leads to
};

// Throws Error{InvalidArgument} with the names there are.
[[nodiscard]] const std::vector<Place>& places_of(std::string_view topology);

// Makes the endpoint with this number.
using EndpointFactory = std::function<std::unique_ptr<Endpoint>(unsigned number, const EndpointConfig& config)>;

class Topology {
 public:
  struct Surroundings {
    MemoryServices services;
    RootComplex& root;
    ProtocolChecker* checker = nullptr;
    TraceWriter* trace = nullptr;
  };

  // What `surroundings` refers to outlives the topology.
  Topology(const MachineConfig& config, const Surroundings& surroundings, const EndpointFactory& make_endpoint);
  Topology(const Topology&) = delete;
  Topology& operator=(const Topology&) = delete;

  [[nodiscard]] const std::vector<FunctionInfo>& functions() const { return functions_; }
  [[nodiscard]] const std::vector<std::unique_ptr<EndpointPort>>& endpoints() const { return endpoints_; }
  [[nodiscard]] const std::vector<std::unique_ptr<RootPort>>& root_ports() const { return root_ports_; }
  // By function index; endpoints are no bridges.
  [[nodiscard]] const std::vector<std::unique_ptr<Bridge>>& bridges() const { return bridges_; }
  [[nodiscard]] Link& link_above(unsigned endpoint);
  // Bus, device and function by which requests reach this function now.
  [[nodiscard]] pcie::Bdf bdf(FunctionIndex function) const;

 private:
  void add_bridge(const MachineConfig& config, const Surroundings& surroundings, const Place& place);
  void add_link(const MachineConfig& config, const Surroundings& surroundings, FunctionIndex port, const Place* below);
  void watch_link(const MachineConfig& config, const MemoryServices& services, FunctionIndex port, FunctionKind below);
  void add_endpoint(const MachineConfig& config, const Surroundings& surroundings, const Place& place,
                    const EndpointFactory& make_endpoint);
  void add_switches(const Surroundings& surroundings, const std::vector<Place>& places);

  std::vector<FunctionInfo> functions_;
  std::vector<std::unique_ptr<Bridge>> bridges_;
  std::vector<std::unique_ptr<FlowMonitor>> monitors_;  // of the links, where the protocol is checked
  std::vector<std::unique_ptr<Link>> links_;  // by the index of the port above; none below upstream ports of switches
  std::vector<std::unique_ptr<MemoryPath>> paths_;  // of root ports, by their index
  std::vector<std::unique_ptr<RootPort>> root_ports_;
  std::vector<std::unique_ptr<Switch>> switches_;
  std::vector<std::unique_ptr<EndpointPort>> endpoints_;
};

// Buffers along the way, by what stands at the two ends of a link.
[[nodiscard]] ChannelConfig upward_channel(const MachineConfig& config, FunctionKind above, FunctionKind below);
[[nodiscard]] ChannelConfig downward_channel(const MachineConfig& config, FunctionKind below);

// Of the endpoint with this number.
[[nodiscard]] EndpointConfig straps_of(const MachineConfig& config, unsigned endpoint);

// The longest packet on the wire.
[[nodiscard]] Time longest_packet(const MachineConfig& config);
// From a credit that is free to the arrival of its update, but for propagation and what disturbances add: its latency,
// its turn among those of the other classes, the packet on the wire, and its exit from L0s. (In L1 nothing waits for a
// credit.)
[[nodiscard]] Time longest_update_wait(const MachineConfig& config);
// From a damaged packet to the request to send it again, but for propagation.
[[nodiscard]] Time longest_replay_wait(const MachineConfig& config);

}  // namespace holdover::sim
