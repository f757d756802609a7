// SPDX-License-Identifier: MIT
#include "tests/support/hand_host.h"

#include <cstring>

#include "host/driver/dma_abi.h"
#include "host/driver/endpoint_regs.h"
#include "pcie/capability.h"
#include "pcie/config_space.h"
#include "pcie/pattern.h"

namespace holdover::test {
namespace {

namespace config = pcie::config;
namespace regs = host::regs;

constexpr std::uint64_t kStride = std::uint64_t{1} << 20;
constexpr Bytes kDescriptorBytes{16 * 1024};

std::uint64_t mix(std::uint64_t digest, std::uint64_t value) { return (digest ^ value) * 0x100'0000'01b3; }

}  // namespace

void Recorder::on_tlp(Time time, unsigned endpoint, sim::Direction direction, const pcie::Tlp& tlp) {
  ++tlps;
  digest = mix(digest, time.count());
  digest = mix(digest, endpoint * 2 + (direction == sim::Direction::Tx ? 1 : 0));
  for (const std::uint32_t word : pcie::encode_header(tlp)) digest = mix(digest, word);
}

void Recorder::on_request_refused(Time, unsigned, sim::FunctionIndex where, const pcie::Tlp& tlp,
                                  std::string_view reason) {
  refused.push_back(std::to_string(where) + ": " + pcie::to_string(tlp) + ": " + std::string{reason});
}

void Recorder::on_memory_access(const sim::MemoryAccess& access) {
  (access.write ? bytes_written : bytes_read) += access.size.count();
  if (!access.write || access.endpoint != heartbeat_endpoint_ || access.address < heartbeat_base_ ||
      access.address - heartbeat_base_ >= heartbeat_size_) {
    return;
  }
  if (heartbeats > 0 && access.time - heartbeat_time_ > longest_silence)
    longest_silence = access.time - heartbeat_time_;
  heartbeat_time_ = access.time;
  ++heartbeats;
}

void Recorder::watch_heartbeat(unsigned endpoint, PhysicalAddress base, Bytes size) {
  heartbeat_endpoint_ = endpoint;
  heartbeat_base_ = base;
  heartbeat_size_ = size;
  heartbeats = 0;
  longest_silence = Time{0};
}

BusAddress HandHost::bar0(unsigned number) const { return sim::kPlatformMap.window32 + Bytes{number * kStride}; }
BusAddress HandHost::bar2(unsigned number) const { return sim::kPlatformMap.window64 + Bytes{number * kStride}; }

std::uint32_t HandHost::read(unsigned endpoint, std::uint32_t offset) {
  return static_cast<std::uint32_t>(platform_.mmio_read(bar0(endpoint) + Bytes{offset}, 4));
}

void HandHost::write(unsigned endpoint, std::uint32_t offset, std::uint32_t value) {
  platform_.mmio_write(bar0(endpoint) + Bytes{offset}, 4, value);
}

void HandHost::configure(unsigned max_payload, unsigned max_read_request) {
  max_payload_ = max_payload;
  max_read_request_ = max_read_request;
  endpoints_.clear();
  std::uint8_t next_bus = 1;
  const auto& functions = machine_.functions();
  for (sim::FunctionIndex i = 0; i < functions.size(); ++i) {
    if (functions[i].kind == sim::FunctionKind::RootPort) configure_bridge(i, next_bus);
  }
}

void HandHost::configure_bridge(sim::FunctionIndex index, std::uint8_t& next_bus) {
  const auto& functions = machine_.functions();
  // A function that was never written to does not know its bus; the way to it follows from the tree.
  pcie::Bdf bdf = machine_.bdf(index);
  const auto parent = functions[index].parent;
  if (parent) {
    bdf.bus = static_cast<std::uint8_t>(platform_.config_read(machine_.bdf(*parent), Bytes{config::kSecondaryBus}, 1));
  }
  const std::uint8_t secondary = next_bus++;
  platform_.config_write(bdf, Bytes{config::kPrimaryBus}, 4, 0xff0000u | (std::uint32_t{secondary} << 8) | bdf.bus);
  const auto first_endpoint = static_cast<unsigned>(endpoints_.size());
  for (sim::FunctionIndex below = 0; below < functions.size(); ++below) {
    if (functions[below].parent != index) continue;
    if (functions[below].kind != sim::FunctionKind::Endpoint) {
      configure_bridge(below, next_bus);
      continue;
    }
    const auto number = static_cast<unsigned>(endpoints_.size());
    const pcie::Bdf function{0, secondary, 0, 0};
    endpoints_.push_back(function);
    platform_.config_write(function, Bytes{config::kBar0}, 4, static_cast<std::uint32_t>(bar0(number).raw()));
    platform_.config_write(function, Bytes{config::kBar0 + 8}, 4, static_cast<std::uint32_t>(bar2(number).raw()));
    platform_.config_write(function, Bytes{config::kBar0 + 12}, 4,
                           static_cast<std::uint32_t>(bar2(number).raw() >> 32));
    platform_.config_write(function, Bytes{config::kCommand}, 2, config::kCommandMemory | config::kCommandBusMaster);
    const auto express = pcie::find_capability(
        [&](unsigned offset) { return platform_.config_read(function, Bytes{offset}, 4); }, config::kCapExpress);
    platform_.config_write(function, Bytes{express.value() + config::kExpressDeviceControl}, 2,
                           config::kDeviceControlExtendedTag | (max_payload_ << 5) | (max_read_request_ << 12));
  }
  const auto end_endpoint = static_cast<std::uint32_t>(endpoints_.size());
  const std::uint8_t last = static_cast<std::uint8_t>(next_bus - 1);
  platform_.config_write(bdf, Bytes{config::kSubordinateBus}, 1, last);
  const auto base = static_cast<std::uint32_t>(bar0(first_endpoint).raw() >> 16);
  const auto limit = static_cast<std::uint32_t>(bar0(end_endpoint - 1).raw() >> 16);
  platform_.config_write(bdf, Bytes{config::kMemoryBase}, 4, (limit << 16) | base);
  const std::uint64_t base64 = bar2(first_endpoint).raw();
  const std::uint64_t limit64 = bar2(end_endpoint - 1).raw();
  platform_.config_write(bdf, Bytes{config::kPrefetchBase}, 4,
                         static_cast<std::uint32_t>((((limit64 >> 16) & 0xfff0) << 16) | ((base64 >> 16) & 0xfff0)));
  platform_.config_write(bdf, Bytes{config::kPrefetchBaseUpper}, 4, static_cast<std::uint32_t>(base64 >> 32));
  platform_.config_write(bdf, Bytes{config::kPrefetchLimitUpper}, 4, static_cast<std::uint32_t>(limit64 >> 32));
  platform_.config_write(bdf, Bytes{config::kCommand}, 2, config::kCommandMemory | config::kCommandBusMaster);
  const auto express = pcie::find_capability(
      [&](unsigned offset) { return platform_.config_read(bdf, Bytes{offset}, 4); }, config::kCapExpress);
  platform_.config_write(bdf, Bytes{express.value() + config::kExpressDeviceControl}, 2,
                         (max_payload_ << 5) | (max_read_request_ << 12));
}

PhysicalAddress HandHost::traffic_base(unsigned endpoint) {
  return PhysicalAddress{(std::uint64_t{8} + endpoint) << 20};
}

void HandHost::run_ring(unsigned endpoint, unsigned channel, std::uint32_t control, PhysicalAddress ring,
                        unsigned entries, PhysicalAddress completions, std::uint32_t seed) {
  write(endpoint, regs::channel::ring_base_lo(channel), static_cast<std::uint32_t>(ring.raw()));
  write(endpoint, regs::channel::ring_base_hi(channel), static_cast<std::uint32_t>(ring.raw() >> 32));
  write(endpoint, regs::channel::ring_entries(channel), entries);
  write(endpoint, regs::channel::completion_base_lo(channel), static_cast<std::uint32_t>(completions.raw()));
  write(endpoint, regs::channel::completion_base_hi(channel), static_cast<std::uint32_t>(completions.raw() >> 32));
  write(endpoint, regs::channel::seed(channel), seed);
  write(endpoint, regs::channel::tail(channel), entries);
  write(endpoint, regs::channel::control(channel), control | regs::channel::kControlRun.mask());
}

void HandHost::start_traffic(unsigned endpoint, std::uint32_t heartbeat_period) {
  constexpr unsigned kEntries = 4;
  const PhysicalAddress base = traffic_base(endpoint);
  const std::uint32_t cyclic = regs::channel::kControlCyclic.mask() | regs::channel::kControlPattern.mask();
  for (unsigned channel = 0; channel < 2; ++channel) {
    const PhysicalAddress ring = base + Bytes{channel * 1024u};
    const PhysicalAddress data = base + Bytes{64 * 1024} + Bytes{channel * kEntries * kDescriptorBytes.count()};
    for (unsigned i = 0; i < kEntries; ++i) {
      host::DmaDescriptor descriptor{};
      descriptor.host_address = (data + kDescriptorBytes * i).raw();
      descriptor.card_address = i * kDescriptorBytes.count();
      descriptor.length = static_cast<std::uint32_t>(kDescriptorBytes.count());
      descriptor.cookie = i;
      std::memcpy(&platform_.dram()[static_cast<std::size_t>(ring.raw()) + i * sizeof descriptor], &descriptor,
                  sizeof descriptor);
    }
    const std::uint32_t seed = 0x1000 * endpoint + channel;
    // What the endpoint's checker expects of the memory that it reads.
    pcie::fill_pattern(
        platform_.dram().subspan(static_cast<std::size_t>(data.raw()), kEntries * kDescriptorBytes.count()), seed, 0,
        0);
    run_ring(endpoint, channel, cyclic | (channel == 0 ? regs::channel::kControlC2h.mask() : 0), ring, kEntries,
             base + Bytes{8192 + channel * 1024u}, seed);
  }
  start_heartbeat(endpoint, heartbeat_period);
}

void HandHost::start_heartbeat(unsigned endpoint, std::uint32_t period) {
  write(endpoint, regs::heartbeat_writer::kRingBaseLo, static_cast<std::uint32_t>(heartbeat_base(endpoint).raw()));
  write(endpoint, regs::heartbeat_writer::kRingBaseHi, 0);
  write(endpoint, regs::heartbeat_writer::kRingEntries, static_cast<std::uint32_t>(kHeartbeatRing.count() / 32));
  write(endpoint, regs::heartbeat_writer::kPeriod, period);
  write(endpoint, regs::heartbeat_writer::kControl, regs::heartbeat_writer::kControlRun.mask());
}

}  // namespace holdover::test
