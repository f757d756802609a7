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

namespace holdover::sim {
namespace {

constexpr std::array<char, 8> kMagic = {'H', 'O', 'L', 'D', 'T', 'L', 'P', '\0'};
constexpr std::size_t kHeaderBytes = 32;
constexpr std::size_t kRecordBytes = 32;
constexpr std::size_t kBufferBytes = std::size_t{1} << 20;
constexpr std::uint32_t kMostPayload = 4096;

template <typename Integer>
void put(std::byte* target, Integer value) {
  for (std::size_t i = 0; i < sizeof value; ++i) target[i] = static_cast<std::byte>(value >> (8 * i));
}

template <typename Integer>
Integer take(const std::byte* source) {
  Integer value = 0;
  for (std::size_t i = 0; i < sizeof value; ++i) {
    value = static_cast<Integer>(value | (static_cast<Integer>(source[i]) << (8 * i)));
  }
  return value;
}

[[noreturn]] void refuse(const std::filesystem::path& path, int error) {
  throw Error(ErrorCode::Unavailable, "the trace file " + path.string() + " cannot be written: " +
                                          std::generic_category().message(error) + "; choose another place for it");
}

[[noreturn]] void corrupt(const std::filesystem::path& path, const std::string& reason) {
  throw Error(ErrorCode::Corrupt, path.string() + " is not a readable trace: " + reason);
}

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
       {std::uint64_t{endpoint.vendor_id}, std::uint64_t{endpoint.device_id},
        std::uint64_t{endpoint.subsystem_vendor_id}, std::uint64_t{endpoint.subsystem_id},
        std::uint64_t{endpoint.class_code}, std::uint64_t{endpoint.revision}, endpoint.serial_number,
        std::uint64_t{endpoint.bar0_size_log2}, std::uint64_t{endpoint.bar2_size_log2},
        std::uint64_t{endpoint.max_payload_supported}, std::uint64_t{endpoint.msix_vectors},
        std::uint64_t{endpoint.no_soft_reset}, std::uint64_t{endpoint.pending_while_disabled},
        std::uint64_t{endpoint.aer}, std::uint64_t{endpoint.ari}, std::uint64_t{endpoint.dsn}}) {
    hash.add(field);
  }
  const Disturbance& disturbance = config.disturbance;
  hash.add(std::uint64_t{disturbance.split_completions});
  hash.add(std::uint64_t{disturbance.reorder_completions});
  hash.add(disturbance.read_latency_min.count());
  hash.add(disturbance.read_latency_max.count());
  hash.add(disturbance.write_latency_max.count());
  hash.add(std::uint64_t{disturbance.starve_credits});
  for (const MachineFault& fault : config.faults) {
    hash.add(static_cast<std::uint64_t>(fault.kind));
    hash.add(fault.endpoint);
    hash.add(static_cast<std::uint64_t>(fault.phase));
    hash.add(fault.delay.count());
    hash.add(fault.vector);
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
  put(buffer_.data() + 8, kTraceVersion);
  put(buffer_.data() + 16, info.configuration_hash);
  put(buffer_.data() + 24, info.seed);
}

TraceWriter::~TraceWriter() {
  if (file_.number() < 0) return;
  file_.reset();
  std::error_code ignored;  // nobody is left to be told
  std::filesystem::remove(partial_, ignored);
}

void TraceWriter::write(Time time, unsigned endpoint, Direction direction, const pcie::Tlp& tlp) {
  HOLDOVER_CHECK(file_.number() >= 0 && endpoint <= 0xff && tlp.payload.size() <= kMostPayload);
  std::array<std::byte, kRecordBytes> record{};
  put(record.data(), time.count());
  record[8] = static_cast<std::byte>(endpoint);
  record[9] = static_cast<std::byte>(direction == Direction::Tx ? 1 : 0);
  put(record.data() + 12, static_cast<std::uint32_t>(tlp.payload.size()));
  const pcie::TlpHeader header = pcie::encode_header(tlp);
  for (std::size_t i = 0; i < header.size(); ++i) put(record.data() + 16 + 4 * i, header[i]);
  buffer_.insert(buffer_.end(), record.begin(), record.end());
  buffer_.insert(buffer_.end(), tlp.payload.begin(), tlp.payload.end());
  if (buffer_.size() >= kBufferBytes) flush();
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
  buffer_.clear();
}

void TraceWriter::close() {
  if (file_.number() < 0) return;
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

TraceReader::TraceReader(const std::filesystem::path& path) : path_(path), file_(path, std::ios::binary) {
  if (!file_) throw Error(ErrorCode::Unavailable, "the trace file " + path.string() + " cannot be read");
  std::array<std::byte, kHeaderBytes> header{};
  // iostreams read chars; this is the one place where bytes become those.
  file_.read(reinterpret_cast<char*>(header.data()), static_cast<std::streamsize>(header.size()));
  if (file_.gcount() != static_cast<std::streamsize>(header.size())) corrupt(path_, "it ends inside its header");
  if (std::memcmp(header.data(), kMagic.data(), kMagic.size()) != 0) corrupt(path_, "it does not begin with HOLDTLP");
  const std::uint32_t version = take<std::uint32_t>(header.data() + 8);
  if (version != kTraceVersion) {
    corrupt(path_,
            "it has version " + std::to_string(version) + ", this program reads " + std::to_string(kTraceVersion));
  }
  info_.configuration_hash = take<std::uint64_t>(header.data() + 16);
  info_.seed = take<std::uint64_t>(header.data() + 24);
}

std::optional<TraceRecord> TraceReader::next() {
  std::array<std::byte, kRecordBytes> bytes{};
  file_.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (file_.gcount() == 0) return std::nullopt;
  if (file_.gcount() != static_cast<std::streamsize>(bytes.size())) corrupt(path_, "it ends inside a record");
  TraceRecord record;
  record.time = Time{take<std::uint64_t>(bytes.data())};
  record.endpoint = static_cast<unsigned>(bytes[8]);
  if (bytes[9] > std::byte{1}) corrupt(path_, "a record has no direction");
  record.direction = bytes[9] == std::byte{1} ? Direction::Tx : Direction::Rx;
  const std::uint32_t size = take<std::uint32_t>(bytes.data() + 12);
  if (size > kMostPayload) corrupt(path_, "a record has a payload of " + std::to_string(size) + " bytes");
  for (std::size_t i = 0; i < record.header.size(); ++i) {
    record.header[i] = take<std::uint32_t>(bytes.data() + 16 + 4 * i);
  }
  record.payload.resize(size);
  file_.read(reinterpret_cast<char*>(record.payload.data()), static_cast<std::streamsize>(size));
  if (file_.gcount() != static_cast<std::streamsize>(size)) corrupt(path_, "it ends inside a payload");
  return record;
}

}  // namespace holdover::sim
