// SPDX-License-Identifier: MIT
// All traffic of one endpoint: tells which stream an access belongs to and hands it to that stream's ledger. What
// belongs to none is a finding.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "bench/ledger/channel_ledger.h"
#include "bench/ledger/endpoint_registers.h"
#include "bench/ledger/heartbeat_ledger.h"
#include "bench/ledger/interrupt_ledger.h"

namespace holdover::bench {

class EndpointLedger {
 public:
  // `machine_delay`: by which the machine may delay a heartbeat record; `stall_limit`: of a bulk channel.
  EndpointLedger(unsigned endpoint, const Scene& scene, Evidence& evidence, Time machine_delay, Time stall_limit);

  void set_bar0(std::uint64_t base) { registers_.set_base(base); }
  void on_receive(Time time, const pcie::Tlp& tlp);
  void on_transmit(Time time, const pcie::Tlp& tlp);
  void on_memory_access(const sim::MemoryAccess& access, const ByteRun& run);
  // The function lost its state.
  void on_reset();
  void on_time(Time time);
  // The run is over; `stopped`: traffic had been stopped before.
  void on_end(Time time, bool stopped);

  [[nodiscard]] const EndpointRegisters& registers() const { return registers_; }
  [[nodiscard]] HeartbeatLedger& heartbeat() { return heartbeat_; }
  [[nodiscard]] const HeartbeatLedger& heartbeat() const { return heartbeat_; }
  [[nodiscard]] InterruptLedger& interrupts() { return interrupts_; }
  [[nodiscard]] const InterruptLedger& interrupts() const { return interrupts_; }
  [[nodiscard]] const std::vector<ChannelLedger>& channels() const { return channels_; }
  // When the endpoint last sent a request.
  [[nodiscard]] Time last_sign() const { return last_sign_; }
  [[nodiscard]] std::uint64_t tlps() const { return tlps_; }

 private:
  void on_write(const sim::MemoryAccess& access, const ByteRun& run);
  void on_read(const sim::MemoryAccess& access, const ByteRun& run);
  // Reads of the host from the endpoint's registers: each is answered, and what the card counted as wrong is wrong.
  void on_host_read(Time time, const pcie::Tlp& tlp);
  void on_host_answer(Time time, const pcie::Tlp& tlp);
  void judge_counter(Time time, std::uint32_t offset, std::uint32_t value);
  void stray(Time time, const char* verb, std::uint64_t iova, std::uint64_t bytes);

  unsigned endpoint_;
  struct HostRead {
    Time since;
    std::uint64_t address = 0;
    std::optional<std::uint32_t> offset;  // in BAR 0
  };

  Evidence& evidence_;
  EndpointRegisters registers_;
  HeartbeatLedger heartbeat_;
  InterruptLedger interrupts_;
  std::vector<ChannelLedger> channels_;
  std::map<std::uint32_t, HostRead> host_reads_;  // by requester and tag
  std::set<std::uint32_t> wrong_counters_;        // reported
  Time last_sign_;
  std::uint64_t tlps_ = 0;
};

}  // namespace holdover::bench
