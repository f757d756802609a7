// SPDX-License-Identifier: MIT
#include "python/streams.h"

#include <algorithm>

#include "bench/run.h"

namespace holdover::python {
namespace {

using host::DmaDescriptor;
using host::EndpointDriver;
using std::chrono::nanoseconds;

// Where the rings lie in their memory: each channel's descriptors, each channel's completions, the heartbeats' rings.
constexpr unsigned kMostEntries = 256;
constexpr std::uint32_t kDescriptors = 0;
constexpr std::uint32_t kCompletions = kDescriptors + host::kMaxChannels * kMostEntries * sizeof(DmaDescriptor);
constexpr unsigned kMostRecords = 1024;
constexpr std::uint32_t kWriterRing = kCompletions + host::kMaxChannels * kMostEntries * sizeof(host::DmaCompletion);
constexpr std::uint32_t kReaderRing = kWriterRing + kMostRecords * sizeof(host::HeartbeatRecord);
constexpr std::uint32_t kRingBytes = kReaderRing + kMostRecords * sizeof(host::HeartbeatRecord);
static_assert(kRingBytes % kPageSize.count() == 0);

constexpr std::uint32_t kMostLength = 1u << 24;
constexpr unsigned kCopyEntries = 16;
constexpr unsigned kLeastPeriod = 16;  // clocks

std::optional<unsigned> vector_of(const EndpointDriver& driver, const std::optional<unsigned>& vector) {
  if (vector) require_vector(driver, *vector);
  return vector;
}

void program(DriverPart& part, unsigned channel, host::ChannelConfig config) {
  config.descriptors = {part.region,
                        kDescriptors + channel * kMostEntries * static_cast<std::uint32_t>(sizeof(DmaDescriptor))};
  config.completions = {
      part.region, kCompletions + channel * kMostEntries * static_cast<std::uint32_t>(sizeof(host::DmaCompletion))};
  part.channels[channel] = {};
  part.driver->configure(channel, config);
  part.channels[channel] = {
      true,          false, false, config.cyclic, config.direction == host::ChannelConfig::Direction::HostToCard,
      config.entries};
}

bool is_to_card(const std::string& direction) {
  if (direction == "to-card") return true;
  if (direction == "to-host") return false;
  refuse("direction: «" + direction + "» is not possible; it takes to-card or to-host");
}

std::uint32_t period_of(EndpointDriver& driver, Time period) {
  // 32 bits of clocks are more than any register pace needs.
  constexpr Time kMost{1'000'000'000'000};
  if (period > kMost) refuse("a period of more than 1s is not possible");
  const std::uint32_t clocks = driver.clocks_in(nanoseconds{static_cast<std::int64_t>(period.count() / 1000)});
  if (clocks < kLeastPeriod) {
    refuse("a period of " + bench::format_time(period) + " is not possible; it takes at least " +
           std::to_string(kLeastPeriod) + " clocks of the endpoint");
  }
  return clocks;
}

void require_records(unsigned entries) {
  if (entries >= 1 && entries <= kMostRecords) return;
  refuse("a ring of " + std::to_string(entries) + " records is not possible; it takes 1 to " +
         std::to_string(kMostRecords));
}

}  // namespace

DriverPart::Channel& channel_of(DriverPart& part, unsigned channel) {
  if (channel >= part.driver->channels()) {
    refuse("channel " + std::to_string(channel) + " is not there; the endpoint has " +
           std::to_string(part.driver->channels()));
  }
  return part.channels[channel];
}

DriverPart::Channel& configured(DriverPart& part, unsigned channel) {
  DriverPart::Channel& state = channel_of(part, channel);
  if (!state.configured) refuse("channel " + std::to_string(channel) + " is not configured; call configure() first");
  return state;
}

void require_vector(const EndpointDriver& driver, unsigned vector) {
  if (vector < driver.vectors()) return;
  refuse("vector " + std::to_string(vector) + " is not there; the endpoint has " + std::to_string(driver.vectors()));
}

DmaDescriptor descriptor_of(std::uint64_t host_address, std::uint64_t card_address, std::uint32_t length,
                            bool interrupt, std::uint32_t cookie) {
  return {host_address, card_address, length, interrupt ? host::kDescriptorInterrupt : 0, cookie, 0};
}

void configure(DriverHandle& handle, unsigned channel, const std::string& direction, unsigned entries, bool cyclic,
               bool pattern, std::uint32_t seed, std::optional<unsigned> vector, unsigned moderation) {
  const bool to_card = is_to_card(direction);
  on(handle, [&](EndpointDriver& driver, DriverPart& part, host::System&, Interruption&) {
    channel_of(part, channel);
    if (entries < 1 || entries > kMostEntries) {
      refuse("a ring of " + std::to_string(entries) + " entries is not possible; it takes 1 to " +
             std::to_string(kMostEntries));
    }
    if (moderation < 1 || moderation > 0xffff) refuse("moderation takes 1 to 65535 completions");
    host::ChannelConfig config;
    using Direction = host::ChannelConfig::Direction;
    config.direction = to_card ? Direction::HostToCard : Direction::CardToHost;
    config.cyclic = cyclic;
    config.pattern = pattern;
    config.seed = seed;
    config.entries = entries;
    config.vector = vector_of(driver, vector);
    config.moderation = moderation;
    program(part, channel, config);
  });
}

unsigned copy(DriverHandle& handle, bool to_card, MemoryHandle& buffer, std::uint64_t card_address,
              std::optional<std::uint64_t> length, std::uint64_t offset, unsigned channel) {
  return on(handle, [&](EndpointDriver& driver, DriverPart& part, host::System& system, Interruption& interruption) {
    const std::shared_ptr<MemoryPart>& memory = buffer.part();
    const auto& mapped = part.space->mapped;
    if (!memory->iova || std::find(mapped.begin(), mapped.end(), memory) == mapped.end()) {
      refuse(buffer.name() + " is no buffer of this driver; make one with buffer()");
    }
    const std::uint64_t all = there(memory->memory, buffer.name()).bytes().size();
    const std::uint64_t bytes = length.value_or(offset <= all ? all - offset : 0);
    if (offset > all || bytes > all - offset || bytes < 1 || bytes > kMostLength) {
      refuse("a copy of " + std::to_string(bytes) + " bytes at offset " + std::to_string(offset) +
             " is not possible; the buffer has " + std::to_string(all) + " bytes, and one copy takes 1 to " +
             std::to_string(kMostLength));
    }
    DriverPart::Channel& state = channel_of(part, channel);
    if (state.running && !state.copies) {
      refuse("channel " + std::to_string(channel) + " runs what start() began; stop() it before a copy");
    }
    if (!state.copies || state.to_card != to_card) {
      host::ChannelConfig config;
      using Direction = host::ChannelConfig::Direction;
      config.direction = to_card ? Direction::HostToCard : Direction::CardToHost;
      config.entries = kCopyEntries;
      program(part, channel, config);
      driver.start(channel);
      state.running = true;
    }
    // Until the answer is here: the next copy begins with a reset of the channel.
    state.copies = false;
    const std::uint64_t host_address = memory->iova->raw() + offset;
    if (!driver.submit(channel,
                       descriptor_of(host_address, card_address, static_cast<std::uint32_t>(bytes), false, 0))) {
      throw Error(ErrorCode::Unavailable, handle.name() + " has no room for a descriptor");
    }
    // The slowest link that there is moves a byte in 4 ns, and another stream may have its share.
    const nanoseconds patience =
        host::kPatience + part.completion_timeout + nanoseconds{static_cast<std::int64_t>(bytes) * 40};
    for (nanoseconds waited{0}; waited <= patience && !interruption.asked(); waited += host::kLookInterval) {
      if (const std::optional<host::DmaCompletion> record = driver.poll(channel)) {
        const unsigned status = record->status & 0xffu;
        state.copies = status == 0;
        state.running = state.copies;
        return status;
      }
      system.wait(host::kLookInterval);
    }
    state.running = false;
    throw Error(ErrorCode::Unavailable, "channel " + std::to_string(channel) + " of " + handle.name() +
                                            " reports no completion of a copy of " + std::to_string(bytes) +
                                            " bytes; is the device bus master, and does the link work?");
  });
}

void start_heartbeat(DriverHandle& handle, Time period, unsigned entries, std::optional<unsigned> vector,
                     unsigned interrupt_every) {
  on(handle, [&](EndpointDriver& driver, DriverPart& part, host::System&, Interruption&) {
    require_records(entries);
    if (interrupt_every < 1 || interrupt_every > 0xffff) refuse("interrupt_every takes 1 to 65535 records");
    host::HeartbeatConfig config;
    config.entries = entries;
    config.ring = {part.region, kWriterRing};
    config.period = period_of(driver, period);
    config.vector = vector_of(driver, vector);
    config.interrupt_every = interrupt_every;
    driver.start_heartbeat_writer(config);
    part.heartbeat_entries = entries;
  });
}

void start_heartbeat_reader(DriverHandle& handle, Time period, unsigned entries, std::uint32_t seed) {
  on(handle, [&](EndpointDriver& driver, DriverPart& part, host::System&, Interruption&) {
    require_records(entries);
    host::HeartbeatConfig config;
    config.entries = entries;
    config.ring = {part.region, kReaderRing};
    config.period = period_of(driver, period);
    config.seed = seed;
    driver.start_heartbeat_reader(config);
  });
}

std::span<std::byte> heartbeat_ring(DriverPart& part) {
  if (part.heartbeat_entries == 0) refuse("no heartbeat was started; call start_heartbeat() first");
  return part.driver->bytes({part.region, kWriterRing}, Bytes{part.heartbeat_entries * sizeof(host::HeartbeatRecord)});
}

std::unique_ptr<MemoryHandle> make_buffer(DriverHandle& handle, std::uint64_t size, bool device_writes) {
  const std::shared_ptr<OwnedMachine>& machine = handle.machine();
  auto part = on(handle, [&](EndpointDriver&, DriverPart& driver, host::System& system, Interruption&) {
    std::shared_ptr<MemoryPart> memory = make_memory(*machine, system, size);
    memory->iova = system.allocate_iova(Bytes{size});
    driver.space->space->map(*memory->memory, Bytes{0}, *memory->iova, Bytes{size}, device_writes);
    driver.space->mapped.push_back(memory);
    return memory;
  });
  return std::make_unique<MemoryHandle>(machine, std::move(part), "the buffer of " + std::to_string(size) + " bytes");
}

std::unique_ptr<DriverHandle> open_driver(DeviceHandle& device) {
  const std::shared_ptr<OwnedMachine>& machine = device.machine();
  auto part = machine->use([&](host::System& system, Interruption&) {
    const std::shared_ptr<DevicePart>& function = device.part();
    host::Device& file = there(function->device, device.name());
    if (const std::shared_ptr<DriverPart> other = function->driver.lock(); other && other->driver) {
      refuse(device.name() + " has a driver; close() that one first");
    }
    const auto driver = std::make_shared<DriverPart>();
    driver->name = "the driver of " + device.name();
    driver->device = function;
    driver->state = make_memory(*machine, system, kPageSize.count());
    driver->rings = make_memory(*machine, system, kRingBytes);
    driver->space = function->space;
    if (!driver->space) {
      driver->space = machine->adopt(std::make_shared<SpacePart>());
      driver->space->space = system.create_address_space();
    }
    const Iova iova = system.allocate_iova(Bytes{kRingBytes});
    driver->space->space->map(*driver->rings->memory, Bytes{0}, iova, Bytes{kRingBytes}, true);
    driver->space->mapped.push_back(driver->rings);
    file.attach(*driver->space->space);
    function->space = driver->space;
    file.enable_bus_master();
    driver->driver = EndpointDriver::open(system, file, *driver->state->memory);
    driver->completion_timeout = machine->completion_timeout();
    driver->driver->set_completion_timeout(driver->completion_timeout);
    driver->region = driver->driver->add_region(*driver->rings->memory, iova);
    function->driver = driver;
    return machine->adopt(driver);
  });
  const std::string name = part->name;
  return std::make_unique<DriverHandle>(machine, std::move(part), name);
}

}  // namespace holdover::python
