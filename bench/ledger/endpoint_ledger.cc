// SPDX-License-Identifier: MIT
#include "bench/ledger/endpoint_ledger.h"

#include <cstring>
#include <string>
#include <utility>

#include "host/driver/endpoint_regs.h"

namespace holdover::bench {

EndpointLedger::EndpointLedger(unsigned endpoint, const Scene& scene, Evidence& evidence, Time machine_delay,
                               Time stall_limit)
    : endpoint_(endpoint),
      evidence_(evidence),
      heartbeat_(endpoint, scene, evidence, machine_delay),
      interrupts_(endpoint, scene, evidence) {
  channels_.reserve(host::regs::channel::kCount);
  for (unsigned channel = 0; channel < host::regs::channel::kCount; ++channel) {
    channels_.emplace_back(endpoint, channel, evidence, stall_limit);
  }
}

void EndpointLedger::on_receive(Time time, const pcie::Tlp& tlp) {
  ++tlps_;
  if (tlp.kind == pcie::TlpKind::MemoryRead) on_host_read(time, tlp);
  if (tlp.kind != pcie::TlpKind::MemoryWrite) return;
  for (const EndpointRegisters::Write& write : registers_.on_request(tlp)) {
    heartbeat_.on_register_write(time, registers_, write);
    interrupts_.on_register_write(time, write);
    for (ChannelLedger& channel : channels_) channel.on_register_write(time, registers_, write);
  }
}

void EndpointLedger::on_transmit(Time time, const pcie::Tlp& tlp) {
  ++tlps_;
  if (pcie::is_completion(tlp.kind)) return on_host_answer(time, tlp);
  last_sign_ = time;
  if (tlp.kind == pcie::TlpKind::MemoryWrite) {
    if (!interrupts_.on_transmit(time, tlp, registers_)) heartbeat_.on_transmit(tlp.address);
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

void EndpointLedger::on_host_read(Time time, const pcie::Tlp& tlp) {
  const std::uint64_t address = pcie::first_byte_address(tlp);
  HostRead read{time, address, registers_.offset_of(address)};
  host_reads_[(std::uint32_t{tlp.requester} << 16) | tlp.tag] = read;
}

void EndpointLedger::on_host_answer(Time time, const pcie::Tlp& tlp) {
  const auto found = host_reads_.find((std::uint32_t{tlp.requester} << 16) | tlp.tag);
  if (found == host_reads_.end()) return;
  const HostRead read = found->second;
  host_reads_.erase(found);
  if (tlp.status != pcie::CompletionStatus::Success) {
    if (!evidence_.scene().traffic_bound()) return;
    evidence_.find(Check::Protocol, time, endpoint_,
                   "endpoint " + std::to_string(endpoint_) + " answered a read of its host at " + hex(read.address) +
                       " with " + std::string(pcie::to_string(tlp.status)));
    return;
  }
  for (std::uint32_t at = 0; read.offset && at + 4 <= tlp.payload.size(); at += 4) {
    std::uint32_t value = 0;
    std::memcpy(&value, tlp.payload.data() + at, sizeof value);
    judge_counter(time, *read.offset + at, value);
  }
}

// What the card itself found wrong in the data that reached it.
void EndpointLedger::judge_counter(Time time, std::uint32_t offset, std::uint32_t value) {
  if (value == 0 || wrong_counters_.count(offset) != 0) return;
  std::string what;
  for (std::uint32_t channel = 0; channel < channels_.size(); ++channel) {
    if (offset == host::regs::channel::mismatches(channel)) what = "bytes of channel " + std::to_string(channel);
  }
  if (offset == host::regs::heartbeat_reader::kMismatches) what = "heartbeat cells";
  if (offset == host::regs::heartbeat_reader::kFailed) what = "heartbeat reads";
  if (what.empty()) return;
  wrong_counters_.insert(offset);
  Evidence::Observation observation;
  observation.time = time;
  observation.since = evidence_.scene().window_begin().value_or(time);
  observation.endpoint = endpoint_;
  observation.sentence = "endpoint " + std::to_string(endpoint_) + " itself counts " + std::to_string(value) + " " +
                         what + " that reached it wrong or not at all";
  evidence_.find(Check::Memory, std::move(observation));
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
  heartbeat_.on_end(time, stopped);
  constexpr Time kAnswered{50'000'000};  // what a read takes at the very most
  for (const auto& [id, read] : host_reads_) {
    if (time < read.since + kAnswered) continue;
    evidence_.find(
        Check::Protocol, read.since + kAnswered, endpoint_,
        "endpoint " + std::to_string(endpoint_) + " never answered a read of its host at " + hex(read.address));
  }
  if (stopped) {
    for (ChannelLedger& channel : channels_) channel.on_end(time);
  }
  interrupts_.on_end(time, registers_);
}

}  // namespace holdover::bench
