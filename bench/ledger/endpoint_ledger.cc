// SPDX-License-Identifier: MIT
#include "bench/ledger/endpoint_ledger.h"

#include <string>

#include "host/driver/endpoint_regs.h"

namespace holdover::bench {

EndpointLedger::EndpointLedger(unsigned endpoint, const Scene& scene, Evidence& evidence, Time machine_delay,
                               Bytes card_memory)
    : endpoint_(endpoint),
      evidence_(evidence),
      heartbeat_(endpoint, scene, evidence, machine_delay),
      interrupts_(endpoint, scene, evidence) {
  channels_.reserve(host::regs::channel::kCount);
  for (unsigned channel = 0; channel < host::regs::channel::kCount; ++channel) {
    channels_.emplace_back(endpoint, channel, evidence, card_memory);
  }
}

void EndpointLedger::on_receive(Time time, const pcie::Tlp& tlp) {
  ++tlps_;
  if (tlp.kind != pcie::TlpKind::MemoryWrite) return;
  for (const EndpointRegisters::Write& write : registers_.on_request(tlp)) {
    heartbeat_.on_register_write(time, registers_, write);
    for (ChannelLedger& channel : channels_) channel.on_register_write(time, registers_, write);
  }
}

void EndpointLedger::on_transmit(Time time, const pcie::Tlp& tlp) {
  ++tlps_;
  if (pcie::is_completion(tlp.kind)) return;
  last_sign_ = time;
  if (tlp.kind == pcie::TlpKind::MemoryWrite) {
    interrupts_.on_transmit(time, tlp, registers_);
    return;
  }
  if (tlp.kind != pcie::TlpKind::MemoryRead) return;
  const std::uint64_t iova = pcie::first_byte_address(tlp);
  const std::uint64_t bytes = pcie::enabled_bytes(tlp).count();
  if (heartbeat_.on_read_request(time, iova, bytes)) return;
  for (const ChannelLedger& channel : channels_) {
    if (channel.in_descriptor_ring(iova)) return;
  }
  for (ChannelLedger& channel : channels_) {
    if (!channel.to_host() && channel.expects(iova)) return channel.on_data_request(time, iova, bytes);
  }
  for (ChannelLedger& channel : channels_) {
    if (!channel.to_host() && channel.reaches(iova)) return channel.on_data_request(time, iova, bytes);
  }
  stray(time, "asked for", iova, bytes);
}

void EndpointLedger::on_memory_access(const sim::MemoryAccess& access, const ByteRun& run) {
  if (run.bytes.empty()) return;
  if (access.write) {
    on_write(access, run);
  } else {
    on_read(access, run);
  }
}

void EndpointLedger::on_write(const sim::MemoryAccess& access, const ByteRun& run) {
  if (heartbeat_.on_memory_write(access.time, run)) return;
  for (ChannelLedger& channel : channels_) {
    if (channel.in_completion_ring(run.iova)) return channel.on_completion_record(access.time, run);
  }
  for (ChannelLedger& channel : channels_) {
    if (channel.to_host() && channel.expects(run.iova)) return channel.on_data_write(access.time, run);
  }
  for (ChannelLedger& channel : channels_) {
    if (channel.to_host() && channel.reaches(run.iova)) return channel.on_data_write(access.time, run);
  }
  stray(access.time, "wrote", run.iova, run.bytes.size());
}

void EndpointLedger::on_read(const sim::MemoryAccess& access, const ByteRun& run) {
  if (heartbeat_.on_memory_read(access.time, run)) return;
  for (ChannelLedger& channel : channels_) {
    if (channel.in_descriptor_ring(run.iova)) return channel.on_descriptor_served(access.time, run);
  }
  for (ChannelLedger& channel : channels_) {
    if (!channel.to_host() && channel.reaches(run.iova)) return channel.on_data_served(access.time, run);
  }
}

void EndpointLedger::stray(Time time, const char* verb, std::uint64_t iova, std::uint64_t bytes) {
  Evidence::Observation observation;
  observation.time = time;
  observation.since = time;
  observation.endpoint = endpoint_;
  observation.sentence = "endpoint " + std::to_string(endpoint_) + " " + verb + " " + std::to_string(bytes) +
                         " bytes at " + hex(iova) + ", which no ring or descriptor names";
  evidence_.find(Check::Memory, std::move(observation));
}

void EndpointLedger::on_reset() {
  registers_.reset();
  heartbeat_.on_function_reset();
  for (ChannelLedger& channel : channels_) channel.on_function_reset();
}

void EndpointLedger::on_time(Time time) {
  heartbeat_.on_time(time);
  for (ChannelLedger& channel : channels_) channel.on_time(time);
}

void EndpointLedger::on_end(Time time, bool stopped) {
  on_time(time);
  if (stopped) {
    for (ChannelLedger& channel : channels_) channel.on_end(time);
  }
  interrupts_.on_end(time, registers_);
}

}  // namespace holdover::bench
