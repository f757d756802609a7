// SPDX-License-Identifier: MIT
#include "host/agent/endpoint_streams.h"

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "host/agent/agent_state.h"
#include "host/agent/stage_watch.h"
#include "host/driver/driver_state.h"
#include "pcie/error.h"
#include "pcie/pattern.h"

namespace holdover::host {
namespace {

// Streams as stream_seed() numbers them.
constexpr unsigned kStreamReader = kMaxChannels;

constexpr std::chrono::nanoseconds kInterruptLookInterval{10'000};

std::uint64_t run_seed(System& system) {
  const std::string text = system.parameter("seed");
  std::uint64_t seed = 1;
  if (!text.empty()) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
    if (error != std::errc{} || end != text.data() + text.size()) {
      throw Error(ErrorCode::InvalidArgument, "parameter seed=" + text + " of the command line is not a number");
    }
  }
  return seed;
}

}  // namespace

void EndpointStreams::open(pcie::Bdf bdf) {
  device_ = system_.open_device(bdf);
  state_ = system_.create_memory(kStateMemoryBytes);
  driver_ = EndpointDriver::open(system_, *device_, *state_);
  lay_out();
  if (driver_->channels() == 1) {
    system_.print("the endpoint at " + device_->bdf().to_string() + " has one channel: bulk data goes one way only");
  }
  driver_->set_completion_timeout(traffic_.completion_timeout);
  rings_ = system_.create_memory(layout_->rings_bytes());
  data_ = system_.create_memory(layout_->data_bytes());
  heartbeat_ = system_.create_memory(layout_->heartbeat_bytes());
  space_ = system_.create_address_space();
  map(*rings_, kRegionRings);
  map(*data_, kRegionData);
  map(*heartbeat_, kRegionHeartbeat);
  device_->attach(*space_);
  for (unsigned channel = 0; channel < layout_->channels(); ++channel) {
    program_channel(channel);
  }
}

void EndpointStreams::retrieve(Session& session, StageWatch* watch) {
  const std::uint64_t base = index_ * kTokenStride;
  state_ = session.retrieve_memory(base + kTokenState);
  rings_ = session.retrieve_memory(base + kTokenRings);
  data_ = session.retrieve_memory(base + kTokenData);
  heartbeat_ = session.retrieve_memory(base + kTokenHeartbeat);
  take_space(session);
  device_ = session.retrieve_device(base + kTokenDevice + index_);
  system_.mark(pcie::Phase::Retrieve, pcie::Step::FunctionRetrieved, device_->bdf().requester_id());
  if (watch != nullptr) watch->on_function(*device_);
  device_->attach(*space_);
  driver_ = EndpointDriver::resume(system_, *device_, *state_, {rings_.get(), data_.get(), heartbeat_.get()});
  lay_out();
}

void EndpointStreams::lay_out() {
  traffic_ = traffic_of(system_, driver_->channels());
  traffic_.link = link_status(*device_);
  layout_.emplace(traffic_);
}

std::vector<unsigned> EndpointStreams::channels_in_use() const {
  std::vector<unsigned> channels;
  for (unsigned channel = 0; channel < driver_->channels(); ++channel) {
    if (driver_->configured(channel)) {
      channels.push_back(channel);
    }
  }
  return channels;
}

std::vector<unsigned> EndpointStreams::vectors_in_use() const {
  std::vector<unsigned> vectors = channels_in_use();
  vectors.push_back(kVectorHeartbeat);
  return vectors;
}

void EndpointStreams::map(Memory& memory, unsigned region) {
  const Iova iova = system_.allocate_iova(Bytes{memory.bytes().size()});
  map(memory, *layout_, region, iova);
  const unsigned number = driver_->add_region(memory, iova);
  HOLDOVER_CHECK(number == region);
}

void EndpointStreams::map(Memory& memory, const StreamLayout& layout, unsigned region, Iova iova) {
  for (const Mapping& mapping : layout.mappings(region)) {
    space_->map(memory, mapping.offset, iova + mapping.offset, mapping.size, mapping.device_writes);
  }
}

bool EndpointStreams::mark_space() {
  try {
    space_->mark_for_preservation(index_ * kTokenStride + kTokenAddressSpace);
    return true;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::Refused || error.errno_value() != ENOTTY) {
      throw;
    }
    system_.print("the address space of the endpoint at " + bdf().to_string() + " is not handed over: " + error.what());
    return false;
  }
}

void EndpointStreams::take_space(Session& session) {
  try {
    space_ = session.retrieve_address_space(index_ * kTokenStride + kTokenAddressSpace);
    return;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::Refused || (error.errno_value() != ENOENT && error.errno_value() != EOPNOTSUPP)) {
      throw;
    }
    system_.print("endpoint " + std::to_string(index_) + " gets a new address space: " + error.what());
  }
  const DriverState state = read_driver_state(state_->bytes());
  // Every channel of the layout was configured: as many as the traffic has.
  const auto channels = std::count_if(state.channels.begin(), state.channels.end(),
                                      [](const ChannelState& channel) { return channel.entries != 0; });
  const StreamLayout layout{traffic_of(system_, static_cast<unsigned>(channels))};
  space_ = system_.create_address_space();
  const std::array<std::pair<Memory*, Bytes>, 3> regions{{{rings_.get(), layout.rings_bytes()},
                                                          {data_.get(), layout.data_bytes()},
                                                          {heartbeat_.get(), layout.heartbeat_bytes()}}};
  for (unsigned region = 0; region < regions.size(); ++region) {
    const auto [memory, bytes] = regions[region];
    if (state.regions[region].bytes != bytes.count() || memory->bytes().size() != bytes.count()) {
      throw Error(ErrorCode::Corrupt, "memory " + std::to_string(region) + " of endpoint " + std::to_string(index_) +
                                          " was not handed over with its " + std::to_string(bytes.count()) + " bytes");
    }
    map(*memory, layout, region, Iova{state.regions[region].iova});
  }
}

void EndpointStreams::program_channel(unsigned channel) {
  const bool to_host = layout_->to_host(channel);
  ChannelConfig config;
  config.direction = to_host ? ChannelConfig::Direction::CardToHost : ChannelConfig::Direction::HostToCard;
  config.cyclic = true;
  config.pattern = true;
  config.seed = stream_seed(run_seed(system_), index_, channel);
  config.entries = kDescriptors;
  config.descriptors = layout_->descriptor_ring_place(channel);
  config.completions = layout_->completion_ring_place(channel);
  config.vector = channel;
  config.moderation = layout_->completions_per_interrupt();
  driver_->configure(channel, config);

  unsigned slot = 0;
  for (const Buffer& buffer : layout_->buffers(channel)) {
    if (!to_host) {
      pcie::fill_pattern(driver_->bytes(buffer.place, Bytes{buffer.length}), config.seed, 0, buffer.stream_offset);
    }
    driver_->put(channel, slot,
                 DmaDescriptor{driver_->iova(buffer.place).raw(), buffer.stream_offset, buffer.length, 0, slot, 0});
    ++slot;
  }
}

void EndpointStreams::start() {
  driver_->enable_interrupts(kVectorCount);
  device_->enable_bus_master();

  HeartbeatConfig writer;
  writer.entries = layout_->writer_records();
  writer.ring = kWriterRing;
  writer.period = driver_->clocks_in(traffic_.heartbeat);
  writer.vector = kVectorHeartbeat;
  writer.interrupt_every = kRecordsPerInterrupt;
  driver_->start_heartbeat_writer(writer);

  HeartbeatConfig reader;
  reader.entries = kReaderCells;
  reader.ring = layout_->reader_table();
  reader.period = driver_->clocks_in(traffic_.heartbeat * 7 / 5);  // out of step with the writer
  reader.seed = stream_seed(run_seed(system_), index_, kStreamReader);
  driver_->start_heartbeat_reader(reader);

  for (const unsigned channel : channels_in_use()) {
    driver_->start(channel);
  }
}

void EndpointStreams::preserve(Session& session, const std::function<void()>& preserved) {
  const std::uint64_t base = index_ * kTokenStride;
  const std::array<std::pair<File*, std::uint64_t>, 6> files{{{rings_.get(), kTokenRings},
                                                              {data_.get(), kTokenData},
                                                              {heartbeat_.get(), kTokenHeartbeat},
                                                              {space_.get(), kTokenAddressSpace},
                                                              {device_.get(), kTokenDevice + index_},
                                                              {state_.get(), kTokenState}}};
  const bool with_space = mark_space();
  for (const auto& [file, token] : files) {
    if (file == space_.get() && !with_space) {
      continue;
    }
    session.preserve(*file, base + token);
    preserved();
  }
}

void EndpointStreams::take_interrupts() {
  for (const unsigned vector : vectors_in_use()) {
    interrupts_[vector] += driver_->take_interrupts(vector);
  }
}

EndpointStreams::Progress EndpointStreams::progress() const {
  Progress progress{};
  for (const unsigned channel : channels_in_use()) {
    progress.completed[channel] = driver_->channel_statistics(channel).completed;
  }
  progress.written = driver_->heartbeat_writer_statistics().sequence;
  progress.read = driver_->heartbeat_reader_statistics().count;
  return progress;
}

void EndpointStreams::expect_traffic() {
  constexpr std::chrono::nanoseconds kLook{20'000};
  const std::chrono::nanoseconds longest = layout_->settling_time() + layout_->patience();
  std::chrono::nanoseconds duration = layout_->settling_time();
  const std::vector<unsigned> channels = channels_in_use();
  const Progress before = progress();
  system_.wait(duration);
  take_interrupts();
  Progress after = progress();
  const auto all_moved = [&] {
    return after.written != before.written && after.read != before.read &&
           std::all_of(channels.begin(), channels.end(),
                       [&](unsigned channel) { return after.completed[channel] != before.completed[channel]; });
  };
  while (!all_moved() && duration < longest) {
    system_.wait(kLook);
    duration += kLook;
    take_interrupts();
    after = progress();
  }
  const std::string where =
      " of the endpoint at " + bdf().to_string() + " has stood still for " + std::to_string(duration.count()) + " ns";
  for (const unsigned channel : channels_in_use()) {
    if (after.completed[channel] == before.completed[channel]) {
      throw Error(ErrorCode::Unavailable, "channel " + std::to_string(channel) + where);
    }
  }
  if (after.written == before.written || after.read == before.read) {
    throw Error(ErrorCode::Unavailable,
                std::string("the heartbeat ") + (after.written == before.written ? "writer" : "reader") + where);
  }
}

void EndpointStreams::begin_interrupt_check() {
  take_interrupts();
  interrupts_at_check_ = interrupts_;
}

unsigned EndpointStreams::silent_vectors() {
  unsigned silent = 0;
  const std::chrono::nanoseconds longest = layout_->interrupt_patience();
  for (std::chrono::nanoseconds waited{0}; waited < longest; waited += kInterruptLookInterval) {
    take_interrupts();
    silent = 0;
    for (const unsigned vector : vectors_in_use()) {
      silent += interrupts_[vector] == interrupts_at_check_[vector] ? 1 : 0;
    }
    if (silent == 0) {
      break;
    }
    system_.wait(kInterruptLookInterval);
  }
  return silent;
}

std::uint64_t EndpointStreams::lost_events() const {
  std::uint64_t lost = 0;
  for (const unsigned vector : vectors_in_use()) {
    const VectorStatistics statistics = driver_->vector_statistics(vector);
    const std::uint64_t kept =
        std::uint64_t{statistics.coalesced} + statistics.messages + (statistics.pending ? 1u : 0u);
    lost += statistics.events > kept ? statistics.events - kept : 0;
  }
  return lost;
}

void EndpointStreams::stop() { driver_->stop_all(layout_->patience()); }

std::vector<std::string> EndpointStreams::summary() const {
  const std::string who = "endpoint " + std::to_string(index_) + " (" + bdf().to_string() + ") ";
  std::vector<std::string> lines;
  for (const unsigned channel : channels_in_use()) {
    const ChannelStatistics statistics = driver_->channel_statistics(channel);
    std::string line = who + "channel " + std::to_string(channel) + ": " + std::to_string(statistics.completed) +
                       " descriptors, " + std::to_string(statistics.bytes) + " bytes, status " +
                       std::to_string(static_cast<unsigned>(statistics.error));
    if (!layout_->to_host(channel)) {
      line +=
          ", " + std::to_string(statistics.mismatches) + " of " + std::to_string(statistics.checked) + " bytes wrong";
    }
    lines.push_back(std::move(line));
  }
  const HeartbeatWriterStatistics writer = driver_->heartbeat_writer_statistics();
  lines.push_back(who + "heartbeat writer: " + std::to_string(writer.sequence) + " records, " +
                  std::to_string(writer.missed) + " missed");
  const HeartbeatReaderStatistics reader = driver_->heartbeat_reader_statistics();
  lines.push_back(who + "heartbeat reader: " + std::to_string(reader.count) + " cells, " +
                  std::to_string(reader.missed) + " missed, " + std::to_string(reader.mismatches) + " wrong, " +
                  std::to_string(reader.failed) + " failed");
  std::string line = who + "interrupts:";
  for (const unsigned vector : vectors_in_use()) {
    line += " " + std::to_string(interrupts_[vector]) + " on vector " + std::to_string(vector) + ",";
  }
  line.pop_back();
  lines.push_back(std::move(line));
  return lines;
}

}  // namespace holdover::host
