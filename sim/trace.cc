// SPDX-License-Identifier: MIT
#include "sim/trace.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>

#include "pcie/error.h"
#include "sim/trace_format.h"

namespace holdover::sim {
namespace {

using namespace trace_format;

constexpr std::size_t kBufferBytes = std::size_t{1} << 20;

[[noreturn]] void refuse(const std::filesystem::path& path, int error) {
  throw Error(ErrorCode::Unavailable, "the trace file " + path.string() + " cannot be written: " +
                                          std::generic_category().message(error) + "; choose another place for it");
}

std::uint32_t low(std::uint64_t value) { return static_cast<std::uint32_t>(value); }
std::uint32_t high(std::uint64_t value) { return static_cast<std::uint32_t>(value >> 32); }

// FNV-1a, 64 bits.
class Hash {
 public:
  void add(std::uint64_t value) {
    for (unsigned i = 0; i < 8; ++i) add_byte(static_cast<std::uint8_t>(value >> (8 * i)));
  }
  void add(std::string_view text) {
    add(text.size());
    for (const char letter : text) add_byte(static_cast<std::uint8_t>(letter));
  }
  [[nodiscard]] std::uint64_t value() const { return value_; }

 private:
  void add_byte(std::uint8_t byte) { value_ = (value_ ^ byte) * 0x100'0000'01b3; }

  std::uint64_t value_ = 0xcbf2'9ce4'8422'2325;
};

}  // namespace

std::uint64_t configuration_hash(const MachineConfig& config) {
  Hash hash;
  hash.add(config.topology);
  hash.add(config.dram_size.count());
  hash.add(config.blackout.count());
  hash.add(config.link.generation);
  hash.add(config.link.lanes);
  hash.add(config.link.propagation.count());
  const EndpointConfig& endpoint = config.endpoint;
  for (const std::uint64_t field :
       {std::uint64_t{endpoint.data_width}, std::uint64_t{endpoint.channels}, std::uint64_t{endpoint.vendor_id},
        std::uint64_t{endpoint.device_id}, std::uint64_t{endpoint.subsystem_vendor_id},
        std::uint64_t{endpoint.subsystem_id}, std::uint64_t{endpoint.class_code}, std::uint64_t{endpoint.revision},
        endpoint.serial_number, std::uint64_t{endpoint.bar0_size_log2}, std::uint64_t{endpoint.bar2_size_log2},
        std::uint64_t{endpoint.max_payload_supported}, std::uint64_t{endpoint.msix_vectors},
        std::uint64_t{endpoint.no_soft_reset}, std::uint64_t{endpoint.pending_while_disabled},
        std::uint64_t{endpoint.aer}, std::uint64_t{endpoint.ari}, std::uint64_t{endpoint.dsn}}) {
    hash.add(field);
  }
  // Straps that came later count only where they are not what they always were: the traces of all other runs stay as
  // they are.
  const EndpointConfig always;
  const auto straps = [](const EndpointConfig& of) {
    return std::array<std::uint64_t, 7>{of.bar0_wide, of.bar2_wide,    of.io_space,  of.interrupt_pin,
                                        of.pme,       of.extended_tag, of.slot_clock};
  };
  if (straps(endpoint) != straps(always)) {
    for (const std::uint64_t field : straps(endpoint)) hash.add(field);
  }
  const Disturbance& disturbance = config.disturbance;
  hash.add(std::uint64_t{disturbance.split_at_every_boundary});
  hash.add(std::uint64_t{disturbance.split_at_random});
  hash.add(std::uint64_t{disturbance.reorder_completions});
  hash.add(disturbance.read_latency_min.count());
  hash.add(disturbance.read_latency_max.count());
  hash.add(disturbance.write_latency_max.count());
  hash.add(std::uint64_t{disturbance.delay});
  for (const bool starved : disturbance.starve_credits) hash.add(std::uint64_t{starved});
  hash.add(std::uint64_t{disturbance.answer_late});
  hash.add(std::uint64_t{disturbance.replay});
  hash.add(endpoint.completion_timeout.count());
  for (const MachineFault& fault : config.faults) {
    hash.add(static_cast<std::uint64_t>(fault.kind));
    hash.add(fault.endpoint);
    hash.add(static_cast<std::uint64_t>(fault.phase));
    hash.add(fault.delay.count());
  }
  return hash.value();
}

TraceWriter::TraceWriter(const std::filesystem::path& path, const TraceInfo& info)
    : path_(path), partial_(path.string() + ".partial") {
  file_ = FileDescriptor{::open(partial_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)};
  if (file_.number() < 0) refuse(path_, errno);
  buffer_.reserve(kBufferBytes + kRecordBytes + kMostPayload);
  buffer_.resize(kHeaderBytes);
  std::memcpy(buffer_.data(), kMagic.data(), kMagic.size());
  put(buffer_.data() + 8, kVersion);
  put(buffer_.data() + 16, info.configuration_hash);
  put(buffer_.data() + 24, info.seed);
}

TraceWriter::~TraceWriter() {
  if (file_.number() < 0) return;
  file_.reset();
  std::error_code ignored;  // nobody is left to be told
  std::filesystem::remove(partial_, ignored);
}

void TraceWriter::append(Time time, unsigned endpoint, RecordKind kind, const pcie::TlpHeader& words,
                         std::span<const std::byte> payload) {
  HOLDOVER_CHECK(file_.number() >= 0 && endpoint <= 0xff && payload.size() <= kMostPayload);
  const std::uint64_t offset = flushed_ + buffer_.size();
  if (offset >= next_index_) {
    index_.insert(index_.end(), {time.count(), offset});
    next_index_ = offset + kIndexStride;
  }
  ++records_;
  std::array<std::byte, kRecordBytes> record{};
  put(record.data(), time.count());
  record[8] = static_cast<std::byte>(endpoint);
  record[9] = static_cast<std::byte>(kind);
  put(record.data() + 12, static_cast<std::uint32_t>(payload.size()));
  for (std::size_t i = 0; i < words.size(); ++i) put(record.data() + 16 + 4 * i, words[i]);
  buffer_.insert(buffer_.end(), record.begin(), record.end());
  buffer_.insert(buffer_.end(), payload.begin(), payload.end());
  if (buffer_.size() >= kBufferBytes) flush();
}

void TraceWriter::write(Time time, unsigned endpoint, Direction direction, const pcie::Tlp& tlp) {
  const RecordKind kind = direction == Direction::Tx ? RecordKind::Tx : RecordKind::Rx;
  append(time, endpoint, kind, pcie::encode_header(tlp), tlp.payload);
}

void TraceWriter::write_effect(Time time, unsigned endpoint, const pcie::Tlp& request) {
  append(time, endpoint, RecordKind::Effect, pcie::encode_header(request), {});
}

void TraceWriter::write_store(Time time, PhysicalAddress address, std::span<const std::byte> bytes) {
  append(time, 0, RecordKind::Store, {low(address.raw()), high(address.raw()), 0, 0}, bytes);
}

void TraceWriter::write_register(Time time, BusAddress address, std::span<const std::byte> bytes) {
  append(time, 0, RecordKind::Register, {low(address.raw()), high(address.raw()), 0, 0}, bytes);
}

void TraceWriter::write_fill(Time time, PhysicalAddress page, std::uint64_t word) {
  append(time, 0, RecordKind::Fill, {low(page.raw()), high(page.raw()), low(word), high(word)}, {});
}

void TraceWriter::flush() {
  if (file_.number() < 0) return;
  std::size_t written = 0;
  while (written < buffer_.size()) {
    const ssize_t count = ::write(file_.number(), buffer_.data() + written, buffer_.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) refuse(path_, errno);
    written += static_cast<std::size_t>(count);
  }
  flushed_ += buffer_.size();
  buffer_.clear();
}

void TraceWriter::write_index() {
  const std::uint64_t offset = flushed_ + buffer_.size();
  const std::uint64_t pairs = index_.size() / 2;
  std::vector<std::byte> tail(kRecordBytes + 8 * index_.size() + kFooterBytes);
  tail[9] = static_cast<std::byte>(RecordKind::Index);
  put(tail.data() + 12, static_cast<std::uint32_t>(8 * index_.size()));
  for (std::size_t i = 0; i < index_.size(); ++i) put(tail.data() + kRecordBytes + 8 * i, index_[i]);
  std::byte* const footer = tail.data() + tail.size() - kFooterBytes;
  put(footer, offset);
  put(footer + 8, pairs);
  put(footer + 16, records_);
  std::memcpy(footer + 24, kIndexMagic.data(), kIndexMagic.size());
  buffer_.insert(buffer_.end(), tail.begin(), tail.end());
}

void TraceWriter::close() {
  if (file_.number() < 0) return;
  write_index();
  flush();
  // What close() reports is the last that a full or remote disk has to say.
  if (::close(file_.release()) != 0) {
    const int error = errno;
    std::error_code ignored;
    std::filesystem::remove(partial_, ignored);
    refuse(path_, error);
  }
  std::error_code error;
  std::filesystem::rename(partial_, path_, error);
  if (!error) return;
  std::error_code ignored;
  std::filesystem::remove(partial_, ignored);
  refuse(path_, error.value());
}

}  // namespace holdover::sim
