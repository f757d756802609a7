// SPDX-License-Identifier: MIT
#include "sim/trace_reader.h"

#include <array>
#include <cstring>
#include <string>

#include "pcie/error.h"
#include "sim/trace_format.h"

namespace holdover::sim {
namespace {

using namespace trace_format;

[[noreturn]] void corrupt(const std::filesystem::path& path, const std::string& reason) {
  throw Error(ErrorCode::Corrupt, path.string() + " is not a readable trace: " + reason);
}

}  // namespace

TraceReader::TraceReader(const std::filesystem::path& path) : path_(path), file_(path, std::ios::binary) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error) || !file_) {
    throw Error(ErrorCode::Unavailable, "the trace file " + path.string() + " cannot be read");
  }
  std::array<std::byte, kHeaderBytes> header{};
  if (read(header.data(), header.size()) != header.size()) corrupt(path_, "it ends inside its header");
  if (std::memcmp(header.data(), kMagic.data(), kMagic.size()) != 0) corrupt(path_, "it does not begin with HOLDTLP");
  version_ = take<std::uint32_t>(header.data() + 8);
  if (version_ == 0 || version_ > kVersion) {
    corrupt(path_,
            "it has version " + std::to_string(version_) + ", this program reads 1 to " + std::to_string(kVersion));
  }
  info_.configuration_hash = take<std::uint64_t>(header.data() + 16);
  info_.seed = take<std::uint64_t>(header.data() + 24);
  file_.seekg(0, std::ios::end);
  size_ = static_cast<std::uint64_t>(file_.tellg());
  read_index();
  file_.clear();
  file_.seekg(static_cast<std::streamoff>(kHeaderBytes));
}

std::size_t TraceReader::read(std::byte* target, std::size_t size) {
  // iostreams read chars; this is the one place where bytes become those.
  file_.read(reinterpret_cast<char*>(target), static_cast<std::streamsize>(size));
  return static_cast<std::size_t>(file_.gcount());
}

void TraceReader::read_index() {
  index_complaint_ = version_ == 1 ? "files of version 1 have no index" : "its index is missing: the file is cut off";
  if (version_ == 1 || size_ < kHeaderBytes + kRecordBytes + kFooterBytes) return;
  std::array<std::byte, kFooterBytes> footer{};
  file_.seekg(static_cast<std::streamoff>(size_ - kFooterBytes));
  if (read(footer.data(), footer.size()) != footer.size()) return;
  if (std::memcmp(footer.data() + 24, kIndexMagic.data(), kIndexMagic.size()) != 0) return;
  index_complaint_ = "its index is damaged";
  const std::uint64_t offset = take<std::uint64_t>(footer.data());
  const std::uint64_t pairs = take<std::uint64_t>(footer.data() + 8);
  if (pairs > size_ / 16 || offset + kRecordBytes + 16 * pairs + kFooterBytes != size_) return;
  std::vector<std::byte> bytes(16 * pairs);
  file_.seekg(static_cast<std::streamoff>(offset + kRecordBytes));
  if (read(bytes.data(), bytes.size()) != bytes.size()) return;
  std::vector<std::uint64_t> index(2 * pairs);
  for (std::size_t i = 0; i < index.size(); ++i) index[i] = take<std::uint64_t>(bytes.data() + 8 * i);
  for (std::size_t i = 0; i < index.size(); i += 2) {
    if (index[i + 1] < kHeaderBytes || index[i + 1] >= offset) return;
    if (i > 0 && (index[i] < index[i - 2] || index[i + 1] <= index[i - 1])) return;
  }
  index_ = std::move(index);
  index_complaint_.clear();
}

void TraceReader::seek(Time time) {
  std::uint64_t offset = kHeaderBytes;
  for (std::size_t i = 0; i < index_.size() && index_[i] < time.count(); i += 2) offset = index_[i + 1];
  file_.clear();
  file_.seekg(static_cast<std::streamoff>(offset));
}

std::optional<TraceRecord> TraceReader::next() {
  std::optional<TraceRecord> record = next_of_any_kind();
  while (record && !record->is_tlp() && !includes_memory_) record = next_of_any_kind();
  return record;
}

std::optional<TraceRecord> TraceReader::next_of_any_kind() {
  std::array<std::byte, kRecordBytes> bytes{};
  const std::size_t count = read(bytes.data(), bytes.size());
  if (count == 0 && version_ == 1) return std::nullopt;
  if (count == 0) corrupt(path_, "it ends without an index; everything before was read");
  if (count != bytes.size()) corrupt(path_, "it ends inside a record");
  const auto kind = static_cast<RecordKind>(bytes[9]);
  if (version_ > 1 && kind == RecordKind::Index) {
    if (!index_complaint_.empty()) {
      throw Error(ErrorCode::Corrupt, path_.string() + ": " + index_complaint_ + "; every record was read");
    }
    return std::nullopt;
  }
  TraceRecord record;
  record.time = Time{take<std::uint64_t>(bytes.data())};
  record.endpoint = static_cast<unsigned>(bytes[8]);
  if (kind > (version_ > 2 ? RecordKind::Fill : RecordKind::Tx)) corrupt(path_, "a record has no direction");
  record.kind = kind;
  record.direction = kind == RecordKind::Tx ? Direction::Tx : Direction::Rx;
  const std::uint32_t size = take<std::uint32_t>(bytes.data() + 12);
  if (size > kMostPayload) corrupt(path_, "a record has a payload of " + std::to_string(size) + " bytes");
  for (std::size_t i = 0; i < record.header.size(); ++i) {
    record.header[i] = take<std::uint32_t>(bytes.data() + 16 + 4 * i);
  }
  record.payload.resize(size);
  if (read(record.payload.data(), size) != size) corrupt(path_, "it ends inside a payload");
  return record;
}

}  // namespace holdover::sim
