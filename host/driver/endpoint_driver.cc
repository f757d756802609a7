// SPDX-License-Identifier: MIT
#include "host/driver/endpoint_driver.h"

#include <algorithm>
#include <utility>

#include "pcie/error.h"

namespace holdover::host {
namespace {

std::string hex(std::uint32_t value) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "0x";
  for (int shift = 28; shift >= 0; shift -= 4) {
    text += kDigits[(value >> shift) & 0xf];
  }
  return text;
}

}  // namespace

EndpointDriver::EndpointDriver(System& system, Device& device, Memory& state)
    : system_(system),
      device_(device),
      memory_(state),
      registers_(device, 0),
      name_("the endpoint at " + device.bdf().to_string()) {
  if (state.bytes().size() < kPageSize.count()) {
    throw Error(ErrorCode::InvalidArgument, "the driver state of " + name_ + " needs a page of memory, not " +
                                                std::to_string(state.bytes().size()) + " bytes");
  }
  identify();
}

void EndpointDriver::identify() {
  const std::string where = "the function at " + device_.bdf().to_string();
  if (device_.bar_size(0) < Bytes{regs::kBarBytes}) {
    throw Error(ErrorCode::NotFound, where + " is no Holdover endpoint: BAR 0 has " +
                                         std::to_string(device_.bar_size(0).count()) + " bytes, " +
                                         std::to_string(regs::kBarBytes) + " are needed");
  }
  const std::uint32_t id = registers_.read(regs::global::kId);
  if (id == ~std::uint32_t{0}) {
    throw Error(ErrorCode::NotFound, where + " does not answer at BAR 0 (all ones); is its memory decode on?");
  }
  if (id != regs::global::kIdReset) {
    throw Error(ErrorCode::NotFound, where + " is no Holdover endpoint: register ID reads " + hex(id) + ", expected " +
                                         hex(regs::global::kIdReset));
  }
  const std::uint32_t version = registers_.read(regs::global::kVersion);
  if (version != regs::kVersion) {
    throw Error(ErrorCode::NotFound, name_ + " has register map " + std::to_string(version) +
                                         "; this driver knows register map " + std::to_string(regs::kVersion));
  }
  state_.register_map = version;

  const std::uint32_t capabilities = registers_.read(regs::global::kCapabilities);
  const unsigned count = regs::global::kCapabilitiesChannels.extract(capabilities);
  vectors_ = regs::global::kCapabilitiesVectors.extract(capabilities);
  clock_period_ps_ = registers_.read(regs::global::kClockPeriod);
  if (count == 0 || count > kMaxChannels) {
    throw Error(ErrorCode::NotFound, name_ + " reports " + std::to_string(count) + " channels; 1 to " +
                                         std::to_string(kMaxChannels) + " are possible");
  }
  const Wait wait = [this](std::chrono::nanoseconds duration) { system_.wait(duration); };
  for (unsigned index = 0; index < count; ++index) {
    channels_.emplace_back(registers_, index, state_.channels[index],
                           "channel " + std::to_string(index) + " of " + name_, wait);
  }
  writer_.emplace(registers_, state_.writer, "the heartbeat writer of " + name_);
  reader_.emplace(registers_, state_.reader, "the heartbeat reader of " + name_, wait);
}

std::unique_ptr<EndpointDriver> EndpointDriver::open(System& system, Device& device, Memory& state) {
  std::unique_ptr<EndpointDriver> driver(new EndpointDriver(system, device, state));
  if (!driver->at_rest()) {
    device.reset();
    if (!driver->at_rest()) {
      throw Error(ErrorCode::Unavailable, driver->name_ + " still moves data after a function level reset");
    }
  }
  driver->save();
  return driver;
}

std::unique_ptr<EndpointDriver> EndpointDriver::resume(System& system, Device& device, Memory& state,
                                                       const std::vector<Memory*>& regions) {
  std::unique_ptr<EndpointDriver> driver(new EndpointDriver(system, device, state));
  DriverState& own = driver->state_;
  const std::uint32_t register_map = own.register_map;
  own = read_driver_state(state.bytes());
  if (own.register_map != register_map) {
    throw Error(ErrorCode::Corrupt, driver->name_ + " has register map " + std::to_string(register_map) +
                                        ", its driver state was written for " + std::to_string(own.register_map));
  }
  for (unsigned index = 0; index < kMaxRegions; ++index) {
    const std::uint64_t size = own.regions[index].bytes;
    if (size == 0) {
      continue;
    }
    if (index >= regions.size() || regions[index]->bytes().size() != size) {
      throw Error(ErrorCode::Corrupt, "memory " + std::to_string(index) + " of " + driver->name_ +
                                          " was not handed over with its " + std::to_string(size) + " bytes");
    }
    driver->regions_[index] = regions[index]->bytes();
  }
  for (unsigned index = 0; index < kMaxChannels; ++index) {
    const ChannelState& channel = own.channels[index];
    if (channel.entries == 0) {
      continue;
    }
    if (index >= driver->channels()) {
      throw Error(ErrorCode::Corrupt, driver->name_ + " has no channel " + std::to_string(index) +
                                          ", which its driver state says is in use");
    }
    driver->channels_[index].adopt(driver->region(channel.descriptors, Bytes{channel.entries * sizeof(DmaDescriptor)}),
                                   driver->region(channel.completions, Bytes{channel.entries * sizeof(DmaCompletion)}));
  }
  if (own.writer.entries != 0) {
    driver->writer_->adopt(driver->region(own.writer.ring, Bytes{own.writer.entries * sizeof(HeartbeatRecord)}));
  }
  if (own.reader.entries != 0) {
    driver->reader_->adopt(driver->region(own.reader.ring, Bytes{own.reader.entries * sizeof(HeartbeatRecord)}));
  }
  return driver;
}

std::chrono::nanoseconds EndpointDriver::clocks(std::uint64_t count) const {
  return std::chrono::nanoseconds(count * clock_period_ps_ / 1000);
}

std::uint32_t EndpointDriver::clocks_in(std::chrono::nanoseconds duration) const {
  HOLDOVER_CHECK(clock_period_ps_ != 0);
  return static_cast<std::uint32_t>(static_cast<std::uint64_t>(duration.count()) * 1000 / clock_period_ps_);
}

void EndpointDriver::set_completion_timeout(std::chrono::nanoseconds duration) {
  registers_.write(regs::global::kCompletionTimeout, clocks_in(duration));
}

unsigned EndpointDriver::add_region(Memory& memory, Iova iova) {
  unsigned index = 0;
  while (index < kMaxRegions && state_.regions[index].bytes != 0) {
    ++index;
  }
  HOLDOVER_CHECK(index < kMaxRegions);
  state_.regions[index] = RegionState{iova.raw(), memory.bytes().size()};
  regions_[index] = memory.bytes();
  save();
  return index;
}

DmaRegion EndpointDriver::region(const DmaPlace& place, Bytes size) const { return {bytes(place, size), iova(place)}; }

Iova EndpointDriver::iova(const DmaPlace& place) const {
  HOLDOVER_CHECK(place.region < kMaxRegions && place.offset < state_.regions[place.region].bytes);
  return Iova{state_.regions[place.region].iova + place.offset};
}

std::span<std::byte> EndpointDriver::bytes(const DmaPlace& place, Bytes size) const {
  HOLDOVER_CHECK(place.region < kMaxRegions && place.offset + size.count() <= regions_[place.region].size());
  return regions_[place.region].subspan(place.offset, size.count());
}

void EndpointDriver::configure(unsigned index, const ChannelConfig& config) {
  channel(index).configure(config, region(config.descriptors, Bytes{config.entries * sizeof(DmaDescriptor)}),
                           region(config.completions, Bytes{config.entries * sizeof(DmaCompletion)}));
  save();
}

void EndpointDriver::put(unsigned index, unsigned slot, const DmaDescriptor& descriptor) {
  channel(index).put(slot, descriptor);
}

void EndpointDriver::start(unsigned index) {
  channel(index).start();
  save();
}

void EndpointDriver::stop(unsigned index, std::chrono::nanoseconds patience) {
  channel(index).stop(patience);
  save();
}

bool EndpointDriver::submit(unsigned index, const DmaDescriptor& descriptor) {
  const bool accepted = channel(index).submit(descriptor);
  save();
  return accepted;
}

std::optional<DmaCompletion> EndpointDriver::poll(unsigned index) {
  const std::optional<DmaCompletion> record = channel(index).poll();
  save();
  return record;
}

DmaStatus EndpointDriver::copy(unsigned index, const DmaPlace& place, std::uint64_t card_address,
                               std::uint32_t length) {
  HOLDOVER_CHECK(!bytes(place, Bytes{length}).empty());
  const bool accepted = submit(index, DmaDescriptor{iova(place).raw(), card_address, length, 0, 0, 0});
  HOLDOVER_CHECK(accepted);
  for (std::chrono::nanoseconds waited{0}; waited <= kPatience; waited += kLookInterval) {
    if (const std::optional<DmaCompletion> record = poll(index)) {
      return static_cast<DmaStatus>(record->status & 0xff);
    }
    system_.wait(kLookInterval);
  }
  throw Error(ErrorCode::Unavailable, "channel " + std::to_string(index) + " of " + name_ +
                                          " reports no completion of a copy of " + std::to_string(length) + " bytes");
}

void EndpointDriver::start_heartbeat_writer(const HeartbeatConfig& config) {
  writer_->start(config, region(config.ring, Bytes{config.entries * sizeof(HeartbeatRecord)}));
  save();
}

void EndpointDriver::start_heartbeat_reader(const HeartbeatConfig& config) {
  reader_->start(config, region(config.ring, Bytes{config.entries * sizeof(HeartbeatRecord)}));
  save();
}

void EndpointDriver::stop_heartbeat_writer() {
  writer_->stop();
  save();
}

void EndpointDriver::stop_heartbeat_reader(std::chrono::nanoseconds patience) {
  reader_->stop(patience);
  save();
}

std::optional<HeartbeatRecord> EndpointDriver::heartbeat(std::uint64_t sequence) const {
  return writer_->record(sequence);
}

void EndpointDriver::enable_interrupts(unsigned count) {
  HOLDOVER_CHECK(count <= vectors_);
  device_.enable_interrupts(count);
  state_.vectors = count;
  save();
}

void EndpointDriver::enable_interrupts_again() { device_.enable_interrupts(state_.vectors); }

std::uint64_t EndpointDriver::take_interrupts(unsigned vector) { return device_.take_interrupts(vector); }

void EndpointDriver::stop_all(std::chrono::nanoseconds patience) {
  std::optional<Error> first;
  const auto attempt = [&first](const auto& action) {
    try {
      action();
    } catch (const Error& error) {
      if (!first) {
        first = error;
      }
    }
  };
  for (unsigned index = 0; index < channels(); ++index) {
    if (state_.channels[index].running != 0) {
      attempt([&] { stop(index, patience); });
    }
  }
  if (state_.reader.running != 0) {
    attempt([&] { stop_heartbeat_reader(patience); });
  }
  if (state_.writer.running != 0) {
    attempt([&] { stop_heartbeat_writer(); });
  }
  save();
  if (first) {
    throw *first;
  }
}

unsigned EndpointDriver::running_streams() const {
  const auto running = std::count_if(state_.channels.begin(), state_.channels.end(),
                                     [](const ChannelState& channel) { return channel.running != 0; });
  return static_cast<unsigned>(running) + state_.writer.running + state_.reader.running;
}

ChannelStatistics EndpointDriver::channel_statistics(unsigned index) const {
  HOLDOVER_CHECK(index < channels());
  return channels_[index].statistics();
}

HeartbeatWriterStatistics EndpointDriver::heartbeat_writer_statistics() const { return writer_->statistics(); }

HeartbeatReaderStatistics EndpointDriver::heartbeat_reader_statistics() const { return reader_->statistics(); }

VectorStatistics EndpointDriver::vector_statistics(unsigned vector) const {
  HOLDOVER_CHECK(vector < vectors_);
  // In this order no event is missed that becomes pending, or is sent, between two of the reads.
  VectorStatistics statistics;
  statistics.events = registers_.read(regs::monitor::events(vector));
  statistics.coalesced = registers_.read(regs::monitor::coalesced(vector));
  statistics.pending = ((registers_.read(regs::msix_pba::kPending) >> vector) & 1) != 0;
  statistics.messages = registers_.read(regs::monitor::messages(vector));
  return statistics;
}

bool EndpointDriver::at_rest() const {
  for (unsigned index = 0; index < channels(); ++index) {
    const ChannelStatistics statistics = channels_[index].statistics();
    if (statistics.running || !statistics.idle) {
      return false;
    }
  }
  return !heartbeat_writer_statistics().running && !heartbeat_reader_statistics().running;
}

Channel& EndpointDriver::channel(unsigned index) {
  HOLDOVER_CHECK(index < channels());
  return channels_[index];
}

void EndpointDriver::save() { write_driver_state(memory_.bytes(), state_); }

}  // namespace holdover::host
