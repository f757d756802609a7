// SPDX-License-Identifier: MIT
#include "host/agent/stream_layout.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "host/driver/channel.h"
#include "pcie/error.h"

namespace holdover::host {
namespace {

// Lengths around a page, odd ones among them, and the unused bytes in front of each buffer: every start is unaligned,
// and every buffer longer than a page crosses one at an odd place.
constexpr std::array<std::uint32_t, kDescriptors> kLengths{4096, 1025, 8192, 1500, 4097, 2049,
                                                           7777, 1024, 5003, 3333, 6144, 8191};
constexpr std::array<std::uint32_t, kDescriptors> kGaps{13, 1, 64, 7, 3, 129, 5, 31, 2, 11, 1, 17};

constexpr std::uint64_t kMostWriterRecords = 0xffff;  // RING_ENTRIES
constexpr Bytes kLeastDataBytes = kPageSize * 16;

std::uint64_t number(const std::string& name, const std::string& text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    throw Error(ErrorCode::InvalidArgument, "parameter " + name + "=" + text + " of the command line is not a number");
  }
  return value;
}

std::vector<bool> directions(const std::string& text, unsigned channels) {
  if (text.empty()) {
    return channels == 1 ? std::vector<bool>{true} : std::vector<bool>{true, false};
  }
  std::vector<bool> to_host;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    const std::string word = text.substr(at, comma - at);
    if (word != "c2h" && word != "h2c") {
      throw Error(ErrorCode::InvalidArgument,
                  "parameter bulk=" + text + " of the command line is no list of c2h and h2c");
    }
    to_host.push_back(word == "c2h");
    at = comma + 1;
  }
  if (to_host.size() > channels) {
    throw Error(ErrorCode::InvalidArgument, "parameter bulk=" + text + " of the command line asks for " +
                                                std::to_string(to_host.size()) + " channels, and the endpoint has " +
                                                std::to_string(channels));
  }
  return to_host;
}

}  // namespace

Traffic traffic_of(System& system, unsigned channels) {
  Traffic traffic;
  traffic.to_host = directions(system.parameter("bulk"), channels);
  if (const std::string text = system.parameter("transfer"); !text.empty()) {
    traffic.transfer = static_cast<std::uint32_t>(number("transfer", text));
  }
  if (const std::string text = system.parameter("heartbeat_ns"); !text.empty()) {
    traffic.heartbeat = std::chrono::nanoseconds(number("heartbeat_ns", text));
  }
  if (const std::string text = system.parameter("completion_timeout_ns"); !text.empty()) {
    traffic.completion_timeout = std::chrono::nanoseconds(number("completion_timeout_ns", text));
  }
  if (const std::string text = system.parameter("heartbeat_records"); !text.empty()) {
    const std::uint64_t records = number("heartbeat_records", text);
    if (records < kWriterRecords || records > kMostWriterRecords) {
      throw Error(ErrorCode::InvalidArgument, "parameter heartbeat_records=" + text + " of the command line is not " +
                                                  std::to_string(kWriterRecords) + " to " +
                                                  std::to_string(kMostWriterRecords));
    }
    traffic.writer_records = static_cast<unsigned>(records);
  }
  return traffic;
}

StreamLayout::StreamLayout(const Traffic& traffic)
    : to_host_(traffic.to_host),
      transfer_(traffic.transfer),
      heartbeat_(traffic.heartbeat),
      completion_timeout_(traffic.completion_timeout),
      writer_records_(traffic.writer_records),
      link_(traffic.link) {
  std::uint64_t bytes = 0;
  for (unsigned slot = 0; slot < kDescriptors; ++slot) {
    bytes += kGaps[slot] + length(slot);
  }
  const std::uint64_t pages = (bytes + kPageSize.count() - 1) / kPageSize.count();
  per_channel_ = std::max(kPageSize * pages, kLeastDataBytes);
}

Bytes StreamLayout::writer_ring_bytes() const {
  const std::uint64_t bytes = std::uint64_t{writer_records_} * sizeof(HeartbeatRecord);
  return kPageSize * ((bytes + kPageSize.count() - 1) / kPageSize.count());
}

std::uint32_t StreamLayout::length(unsigned slot) const { return transfer_ != 0 ? transfer_ : kLengths[slot]; }

std::uint64_t StreamLayout::round_bytes() const {
  std::uint32_t longest = 0;
  for (unsigned slot = 0; slot < kDescriptors; ++slot) {
    longest = std::max(longest, length(slot));
  }
  return std::uint64_t{longest} * channels();
}

// As much as moves in some tens of microseconds, and 256 KiB at most.
std::uint64_t StreamLayout::bytes_per_interrupt() const {
  constexpr std::chrono::nanoseconds kTime{40'000};
  constexpr std::uint64_t kMost = 256 * 1024;
  if (!link_) {
    return kMost;
  }
  return std::min(kMost, kMost * static_cast<std::uint64_t>(kTime.count()) /
                             static_cast<std::uint64_t>(link_->time_of(Bytes{kMost}).count()));
}

unsigned StreamLayout::completions_per_interrupt() const {
  constexpr std::uint64_t kMost = 16;
  return static_cast<unsigned>(std::clamp<std::uint64_t>(bytes_per_interrupt() / round_bytes(), 1, kMost));
}

std::chrono::nanoseconds StreamLayout::shared_time(std::uint64_t bytes) const {
  constexpr unsigned kShare = 8;  // of the link: other endpoints, headers, and an unkind root complex
  return link_ ? link_->time_of(Bytes{bytes}) * kShare : std::chrono::nanoseconds{0};
}

std::chrono::nanoseconds StreamLayout::patience() const {
  constexpr unsigned kInHand = 4;  // descriptors of each channel
  return kPatience + heartbeat_ * 4 + completion_timeout_ * 2 + shared_time(round_bytes() * kInHand);
}

std::chrono::nanoseconds StreamLayout::interrupt_patience() const {
  constexpr std::chrono::nanoseconds kLeast{600'000};
  const std::uint64_t bytes = std::max(bytes_per_interrupt(), round_bytes()) * 2;
  return std::max({kLeast, completion_timeout_ * 2 + shared_time(bytes), heartbeat_ * (2 * kRecordsPerInterrupt)});
}

std::chrono::nanoseconds StreamLayout::settling_time() const {
  constexpr std::uint64_t kBytesEach = 16 * 1024;
  constexpr std::chrono::nanoseconds kStep{20'000};
  return kStep * static_cast<std::int64_t>((round_bytes() + kBytesEach - 1) / kBytesEach);
}

DmaPlace StreamLayout::descriptor_ring_place(unsigned channel) const {
  return {kRegionRings, static_cast<std::uint32_t>(channel * kPageSize.count())};
}

DmaPlace StreamLayout::completion_ring_place(unsigned channel) const {
  return {kRegionRings, static_cast<std::uint32_t>((channels() + channel) * kPageSize.count())};
}

std::vector<Buffer> StreamLayout::buffers(unsigned channel) const {
  HOLDOVER_CHECK(channel < channels());
  const auto first = static_cast<std::uint32_t>(channel * per_channel_.count());
  std::vector<Buffer> all;
  std::uint32_t offset = first;
  std::uint64_t stream_offset = 0;
  for (unsigned index = 0; index < kDescriptors; ++index) {
    offset += kGaps[index];
    all.push_back(Buffer{{kRegionData, offset}, length(index), stream_offset});
    offset += length(index);
    stream_offset += length(index);
  }
  HOLDOVER_CHECK(offset <= first + per_channel_.count());
  return all;
}

std::vector<Mapping> StreamLayout::mappings(unsigned region) const {
  const Bytes half = kPageSize * channels();
  switch (region) {
    case kRegionRings:
      return {{Bytes{0}, half, false}, {half, half, true}};
    case kRegionData: {
      std::vector<Mapping> all;
      for (unsigned channel = 0; channel < channels(); ++channel) {
        all.push_back({per_channel_ * channel, per_channel_, to_host_[channel]});
      }
      return all;
    }
    default:
      HOLDOVER_CHECK(region == kRegionHeartbeat);
      return {{Bytes{0}, writer_ring_bytes(), true}, {writer_ring_bytes(), kPageSize, false}};
  }
}

std::uint32_t stream_seed(std::uint64_t run_seed, unsigned endpoint, unsigned stream) {
  // splitmix64's finalizer over (seed, endpoint, stream).
  std::uint64_t x = run_seed * 0x9E37'79B9'7F4A'7C15 + endpoint * 64 + stream + 1;
  x = (x ^ (x >> 30)) * 0xBF58'476D'1CE4'E5B9;
  x = (x ^ (x >> 27)) * 0x94D0'49BB'1331'11EB;
  return static_cast<std::uint32_t>(x ^ (x >> 31));
}

}  // namespace holdover::host
