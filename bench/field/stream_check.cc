// SPDX-License-Identifier: MIT
#include "bench/field/stream_check.h"

#include <algorithm>
#include <vector>

#include "host/driver/dma_abi.h"
#include "host/driver/driver_state.h"
#include "pcie/pattern.h"

namespace holdover::bench {
namespace {

// Records that may be written over while the others are read.
constexpr std::uint64_t kMargin = 16;

class MemoryCheck {
 public:
  explicit MemoryCheck(host::EndpointStreams& streams)
      : streams_(streams), state_(host::read_driver_state(streams.state_memory())) {}

  MemorySeen run() {
    for (unsigned channel = 0; channel < streams_.layout().channels(); ++channel) check_channel(channel);
    const host::HeartbeatState& reader = state_.reader;
    if (reader.entries != 0) {
      pattern(reader.ring, reader.entries * std::uint64_t{sizeof(host::HeartbeatRecord)}, reader.seed, 0, 0,
              "the table of the heartbeat reader");
    }
    return seen_;
  }

 private:
  void check_channel(unsigned channel) {
    const std::string who = "of channel " + std::to_string(channel);
    const host::ChannelState& state = state_.channels[channel];
    check_rings(channel, who);
    const std::uint64_t completed = streams_.driver().channel_statistics(channel).completed;
    const bool to_host = streams_.layout().to_host(channel);
    std::uint32_t end = static_cast<std::uint32_t>(channel * streams_.layout().data_bytes_per_channel().count());
    unsigned slot = 0;
    for (const host::Buffer& buffer : streams_.layout().buffers(channel)) {
      const std::string where = "buffer " + std::to_string(slot) + " " + who;
      untouched({buffer.place.region, end}, buffer.place.offset - end, "the gap before " + where);
      if (to_host) {
        if (completed > slot) {
          const auto lap = static_cast<std::uint32_t>((completed - 1 - slot) / state.entries);
          pattern(buffer.place, buffer.length, state.seed, lap, buffer.stream_offset, where);
        }
      } else {
        pattern(buffer.place, buffer.length, state.seed, 0, buffer.stream_offset, where);
      }
      end = buffer.place.offset + buffer.length;
      ++slot;
    }
    const std::uint64_t behind = (channel + 1) * streams_.layout().data_bytes_per_channel().count();
    untouched({host::kRegionData, end}, behind - end, "the gap behind the last buffer " + who);
  }

  void check_rings(unsigned channel, const std::string& who) {
    const host::ChannelState& state = state_.channels[channel];
    const std::vector<host::Buffer> buffers = streams_.layout().buffers(channel);
    const std::uint64_t completed = streams_.driver().channel_statistics(channel).completed;
    for (std::uint32_t slot = 0; slot < std::min<std::size_t>(state.entries, buffers.size()); ++slot) {
      const host::Buffer& buffer = buffers[slot];
      const host::DmaDescriptor descriptor{
          streams_.driver().iova(buffer.place).raw(), buffer.stream_offset, buffer.length, 0, slot, 0};
      same(state.descriptors, slot, descriptor, "descriptor " + std::to_string(slot) + " " + who);
      if (completed <= slot) continue;
      const std::uint64_t lap = (completed - 1 - slot) / state.entries;
      const auto number = static_cast<std::uint32_t>(lap * state.entries + slot);
      constexpr unsigned kChannelShift = 8;
      const std::uint32_t status = (lap % 2 == 0 ? host::kCompletionPhase : 0) | channel << kChannelShift;
      same(state.completions, slot, host::DmaCompletion{number, status, buffer.length, slot},
           "the record of completion " + std::to_string(number) + " " + who);
    }
    behind<host::DmaDescriptor>(state.descriptors, state.entries, "the descriptors " + who);
    behind<host::DmaCompletion>(state.completions, state.entries, "the completion records " + who);
  }

  template <typename T>
  void same(host::DmaPlace ring, std::uint32_t slot, const T& expected, const std::string& what) {
    ring.offset += static_cast<std::uint32_t>(slot * sizeof(T));
    const std::span<const std::byte> bytes = streams_.driver().bytes(ring, Bytes{sizeof(T)});
    seen_.bytes += sizeof(T);
    const auto wanted = std::as_bytes(std::span(&expected, 1));
    if (!std::equal(bytes.begin(), bytes.end(), wanted.begin())) find(what + " is not what it should be");
  }

  // A ring has a page of its own.
  template <typename T>
  void behind(host::DmaPlace ring, std::uint32_t entries, const std::string& what) {
    const auto used = static_cast<std::uint32_t>(entries * sizeof(T));
    ring.offset += used;
    untouched(ring, kPageSize.count() - used, "the page behind " + what);
  }

  void pattern(const host::DmaPlace& place, std::uint64_t length, std::uint32_t seed, std::uint32_t lap,
               std::uint64_t offset, const std::string& where) {
    const std::span<const std::byte> bytes = streams_.driver().bytes(place, Bytes{length});
    seen_.bytes += length;
    const std::size_t wrong = pcie::first_mismatch(bytes, seed, lap, offset);
    if (wrong != bytes.size()) {
      find(where + " has a wrong byte at offset " + std::to_string(wrong) + " of " + std::to_string(length));
    }
  }

  void untouched(const host::DmaPlace& place, std::uint64_t length, const std::string& where) {
    if (length == 0) return;
    const std::span<const std::byte> bytes = streams_.driver().bytes(place, Bytes{length});
    seen_.bytes += length;
    if (std::any_of(bytes.begin(), bytes.end(), [](std::byte byte) { return byte != std::byte{0}; })) {
      find("something was written into " + where);
    }
  }

  void find(std::string sentence) {
    if (seen_.wrong++ == 0) seen_.first = std::move(sentence);
  }

  host::EndpointStreams& streams_;
  host::DriverState state_;
  MemorySeen seen_;
};

}  // namespace

RecordsSeen check_records(const host::EndpointDriver& driver, std::uint64_t first, std::uint64_t end, unsigned entries,
                          std::uint32_t period) {
  RecordsSeen seen;
  seen.first = first;
  seen.end = std::max(first, end);
  const std::uint64_t kept = entries > kMargin ? entries - kMargin : 0;
  std::uint64_t number = seen.end - std::min(seen.end - first, kept);
  std::optional<host::HeartbeatRecord> reference;
  for (; number < seen.end; ++number) {
    ++seen.checked;
    const std::optional<host::HeartbeatRecord> record = driver.heartbeat(number);
    const std::uint64_t due = reference ? reference->time + (number - reference->sequence) * period : 0;
    if (!record) {
      ++seen.lost;
      if (!seen.first_lost) seen.first_lost = number;
    } else if (reference && record->time != due && !seen.off_deadline) {
      seen.off_deadline = number;
    }
    if (seen.clock == 0 && (seen.first_lost == number || seen.off_deadline == number)) seen.clock = due;
    if (record && !reference) reference = record;
  }
  return seen;
}

MemorySeen check_memory(host::EndpointStreams& streams) { return MemoryCheck(streams).run(); }

}  // namespace holdover::bench
