// SPDX-License-Identifier: MIT
// A host without a kernel: configures a machine by fixed numbers and drives endpoints register by register, so that the
// machine can be tested before and without any software above it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pcie/platform.h"
#include "sim/witness.h"

namespace holdover::test {

// Keeps what the tests of the machine ask about; prints nothing.
class Recorder : public sim::Witness {
 public:
  void on_tlp(Time time, unsigned endpoint, sim::Direction direction, const pcie::Tlp& tlp) override;
  void on_request_refused(Time, unsigned, sim::FunctionIndex where, const pcie::Tlp& tlp,
                          std::string_view reason) override;
  void on_config_write(const sim::ConfigWrite& write) override { config_writes.push_back(write); }
  void on_memory_access(const sim::MemoryAccess& access) override;
  void on_iommu_fault(Time, pcie::RequesterId, Iova, bool, std::string_view reason) override {
    iommu_faults.emplace_back(reason);
  }
  void on_message(Time, pcie::RequesterId, std::uint64_t, std::uint32_t, std::uint8_t vector,
                  sim::MessageOutcome) override {
    messages.push_back(vector);
  }
  void on_reset(Time, sim::FunctionIndex function, sim::ResetKind kind) override {
    resets.emplace_back(function, kind);
  }
  void on_link(Time, sim::FunctionIndex port, bool up) override { links.emplace_back(port, up); }
  void on_violation(const sim::Violation& violation) override {
    violations.push_back(violation.rule + ": " + violation.sentence);
  }
  void on_fault(Time, const sim::MachineFault& fault) override { faults.push_back(fault.kind); }

  // Writes of this endpoint into this range of DRAM are heartbeats: their longest distance is kept.
  void watch_heartbeat(unsigned endpoint, PhysicalAddress base, Bytes size);

  std::uint64_t digest = 0;  // over every TLP and its time
  std::uint64_t tlps = 0;
  std::uint64_t bytes_written = 0;
  std::uint64_t bytes_read = 0;
  std::uint64_t heartbeats = 0;
  Time longest_silence;
  std::vector<sim::ConfigWrite> config_writes;
  std::vector<std::string> refused;
  std::vector<std::string> iommu_faults;
  std::vector<std::uint8_t> messages;
  std::vector<std::pair<sim::FunctionIndex, sim::ResetKind>> resets;
  std::vector<std::pair<sim::FunctionIndex, bool>> links;
  std::vector<std::string> violations;
  std::vector<sim::MachineFault::Kind> faults;

 private:
  unsigned heartbeat_endpoint_ = 0;
  PhysicalAddress heartbeat_base_;
  Bytes heartbeat_size_;
  Time heartbeat_time_;
};

class HandHost {
 public:
  explicit HandHost(sim::ObservedMachine& machine) : machine_(machine), platform_(machine.platform()) {}

  // Bus numbers and windows of every bridge, BARs and enables of every endpoint: «direct» or «switch» alike.
  void configure(unsigned max_payload = 1, unsigned max_read_request = 2);

  [[nodiscard]] pcie::Bdf endpoint(unsigned number) const { return endpoints_.at(number); }
  [[nodiscard]] BusAddress bar0(unsigned number) const;
  [[nodiscard]] BusAddress bar2(unsigned number) const;
  [[nodiscard]] std::uint32_t read(unsigned endpoint, std::uint32_t offset);
  void write(unsigned endpoint, std::uint32_t offset, std::uint32_t value);

  // Everything that moves: both directions in cyclic mode and the heartbeat, in 1 MiB of DRAM per endpoint from
  // traffic_base() on, addresses untranslated.
  void start_traffic(unsigned endpoint, std::uint32_t heartbeat_period = 500);
  void start_heartbeat(unsigned endpoint, std::uint32_t period);
  [[nodiscard]] static PhysicalAddress traffic_base(unsigned endpoint);
  [[nodiscard]] static PhysicalAddress heartbeat_base(unsigned endpoint) { return traffic_base(endpoint) + 4_KiB; }
  static constexpr Bytes kHeartbeatRing{2048};

  void run_ring(unsigned endpoint, unsigned channel, std::uint32_t control, PhysicalAddress ring, unsigned entries,
                PhysicalAddress completions, std::uint32_t seed);

 private:
  void configure_bridge(sim::FunctionIndex index, std::uint8_t& next_bus);

  sim::ObservedMachine& machine_;
  pcie::Platform& platform_;
  unsigned max_payload_ = 0;
  unsigned max_read_request_ = 0;
  std::vector<pcie::Bdf> endpoints_;
};

}  // namespace holdover::test
