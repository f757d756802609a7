// SPDX-License-Identifier: MIT
#include "sim/trace_export.h"

#include <algorithm>
#include <cstdio>
#include <initializer_list>
#include <ostream>
#include <string_view>
#include <vector>

namespace holdover::sim {
namespace {

// ---- pcapng: blocks of 32-bit units, in the order of bytes that the section header announces; here little-endian.

constexpr std::uint32_t kSectionHeader = 0x0a0d'0d0a;
constexpr std::uint32_t kInterfaceDescription = 1;
constexpr std::uint32_t kEnhancedPacket = 6;
constexpr std::uint16_t kLinkTypeUser0 = 147;
constexpr std::uint16_t kOptionName = 2;
constexpr std::uint16_t kOptionTimeResolution = 9;
constexpr std::uint16_t kOptionFlags = 2;
constexpr char kPicoseconds = 12;  // 10^-12 s

class Block {
 public:
  explicit Block(std::uint32_t type) { put32(type).put32(0); }

  Block& put8(std::uint8_t value) {
    bytes_ += static_cast<char>(value);
    return *this;
  }
  Block& put16(std::uint16_t value) {
    return put8(static_cast<std::uint8_t>(value)).put8(static_cast<std::uint8_t>(value >> 8));
  }
  Block& put32(std::uint32_t value) {
    return put16(static_cast<std::uint16_t>(value)).put16(static_cast<std::uint16_t>(value >> 16));
  }
  Block& put_padded(std::string_view text) {
    bytes_ += text;
    while (bytes_.size() % 4 != 0) bytes_ += '\0';
    return *this;
  }
  Block& option(std::uint16_t code, std::string_view text) {
    return put16(code).put16(static_cast<std::uint16_t>(text.size())).put_padded(text);
  }
  // Both lengths are filled in.
  void write(std::ostream& out) {
    const auto size = static_cast<std::uint32_t>(bytes_.size() + 4);
    put32(size);
    for (unsigned i = 0; i < 4; ++i) bytes_[4 + i] = static_cast<char>(size >> (8 * i));
    out << bytes_;
  }

 private:
  std::string bytes_;
};

// The TLP as its bytes travel: header double words most significant byte first, then the payload.
std::string wire_bytes(const TraceRecord& record) {
  const unsigned words = (record.header[0] >> 29 & 1) != 0 ? 4 : 3;
  std::string bytes;
  for (unsigned i = 0; i < words; ++i) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(record.header[i] >> shift);
  }
  for (const std::byte each : record.payload) bytes += static_cast<char>(each);
  return bytes;
}

// ---- trace events

// Microseconds with all picoseconds.
std::string microseconds(Time time) {
  char text[40];
  std::snprintf(text, sizeof text, "%llu.%06llu", static_cast<unsigned long long>(time.count() / 1'000'000),
                static_cast<unsigned long long>(time.count() % 1'000'000));
  return text;
}

bool ends_its_request(const pcie::Tlp& completion) {
  if (completion.kind == pcie::TlpKind::Completion) return true;
  return completion.length_dw * 4u - (completion.lower_address & 3u) >= completion.byte_count;
}

}  // namespace

PcapngSink::PcapngSink(std::ostream& out) : out_(out) {
  Block section{kSectionHeader};
  section.put32(0x1a2b'3c4d).put16(1).put16(0).put32(0xffff'ffff).put32(0xffff'ffff);  // of unknown length
  section.write(out_);
}

void PcapngSink::take(const TraceEntry& entry) {
  const TraceRecord& record = entry.record;
  const auto [place, fresh] = interfaces_.emplace(record.endpoint, static_cast<std::uint32_t>(interfaces_.size()));
  if (fresh) {
    Block description{kInterfaceDescription};
    description.put16(kLinkTypeUser0).put16(0).put32(0);
    description.option(kOptionName, "endpoint " + std::to_string(record.endpoint));
    description.option(kOptionTimeResolution, std::string_view(&kPicoseconds, 1)).put32(0);
    description.write(out_);
  }
  const std::string bytes = wire_bytes(record);
  const auto size = static_cast<std::uint32_t>(bytes.size());
  const std::uint64_t time = record.time.count();
  Block packet{kEnhancedPacket};
  packet.put32(place->second).put32(static_cast<std::uint32_t>(time >> 32)).put32(static_cast<std::uint32_t>(time));
  packet.put32(size).put32(size).put_padded(bytes);
  packet.put16(kOptionFlags).put16(4).put32(record.direction == Direction::Rx ? 1 : 2).put32(0);
  packet.write(out_);
}

PerfettoSink::PerfettoSink(std::ostream& out) : out_(out) { out_ << "{\"displayTimeUnit\":\"ns\",\"traceEvents\":["; }

// The members of one event, in pieces.
void PerfettoSink::event(std::initializer_list<std::string_view> members) {
  out_ << (first_ ? "\n{" : ",\n{");
  for (const std::string_view piece : members) out_ << piece;
  out_ << '}';
  first_ = false;
}

void PerfettoSink::introduce(unsigned endpoint) {
  if (!introduced_.insert(endpoint).second) return;
  const std::string number = std::to_string(endpoint);
  event({R"("ph":"M","pid":)", number, R"(,"name":"process_name","args":{"name":"endpoint )", number, "\"}"});
  event({R"("ph":"M","pid":)", number, R"(,"tid":0,"name":"thread_name","args":{"name":"towards the endpoint"})"});
  event({R"("ph":"M","pid":)", number, R"(,"tid":1,"name":"thread_name","args":{"name":"from the endpoint"})"});
}

void PerfettoSink::count(const TraceEntry& entry, bool from_endpoint) {
  const unsigned endpoint = entry.record.endpoint;
  const auto flying = std::count_if(flying_.begin(), flying_.end(), [&](const auto& each) {
    return std::get<0>(each.first) == endpoint && std::get<1>(each.first) == from_endpoint;
  });
  event({R"("ph":"C","pid":)", std::to_string(endpoint), ",\"ts\":", microseconds(entry.record.time),
         ",\"name\":\"requests in flight, ", from_endpoint ? "endpoint's" : "host's", R"(","args":{"requests":)",
         std::to_string(flying), "}"});
}

void PerfettoSink::take(const TraceEntry& entry) {
  if (!entry.tlp) return;
  const pcie::Tlp& tlp = *entry.tlp;
  const TraceRecord& record = entry.record;
  introduce(record.endpoint);
  const bool from_endpoint = record.direction == Direction::Tx;
  const std::string number = std::to_string(record.endpoint);
  const std::string time = microseconds(record.time);
  const std::string text = pcie::to_string(tlp);
  const auto tell = [&](std::string_view phase, std::uint64_t id) {
    event({R"("ph":")", phase, R"(","cat":"request","id":)", std::to_string(id), R"(,"name":"request","pid":)", number,
           ",\"tid\":", from_endpoint ? "1" : "0", ",\"ts\":", time, R"(,"args":{"tlp":")", text, "\"}"});
  };
  if (pcie::is_completion(tlp.kind)) {
    const auto flight = flying_.find(Key{record.endpoint, !from_endpoint, tlp.requester, tlp.tag});
    if (flight == flying_.end()) return;  // its request is not in this part of the trace
    const bool last = ends_its_request(tlp);
    tell(last ? "e" : "n", flight->second);
    if (!last) return;
    flying_.erase(flight);
    count(entry, !from_endpoint);
  } else if (pcie::flow_class(tlp.kind) == pcie::FlowClass::Posted) {
    event({R"("ph":"i","s":"t","name":")", to_string(tlp.kind), R"(","pid":)", number,
           ",\"tid\":", from_endpoint ? "1" : "0", ",\"ts\":", time, R"(,"args":{"tlp":")", text, "\"}"});
  } else {
    const std::uint64_t id = next_id_++;
    flying_[Key{record.endpoint, from_endpoint, tlp.requester, tlp.tag}] = id;
    tell("b", id);
    count(entry, from_endpoint);
  }
}

void PerfettoSink::finish() { out_ << "\n]}\n"; }

}  // namespace holdover::sim
