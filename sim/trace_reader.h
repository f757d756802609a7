// SPDX-License-Identifier: MIT
// Reads a TLP trace file (sim/trace_format.h): in order, from a time on, and as far as it goes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "pcie/tlp.h"
#include "sim/trace.h"
#include "sim/trace_format.h"
#include "sim/witness.h"

namespace holdover::sim {

struct TraceRecord {
  Time time;
  trace_format::RecordKind kind = trace_format::RecordKind::Rx;
  unsigned endpoint = 0;
  Direction direction = Direction::Rx;
  pcie::TlpHeader header{};
  std::vector<std::byte> payload;

  [[nodiscard]] bool is_tlp() const {
    return kind == trace_format::RecordKind::Rx || kind == trace_format::RecordKind::Tx;
  }
};

class TraceReader {
 public:
  // Throws Error{Unavailable} where it cannot be read, Error{Corrupt} where it is no trace, or one of a version that
  // this program does not know.
  explicit TraceReader(const std::filesystem::path& path);

  [[nodiscard]] const TraceInfo& info() const { return info_; }
  [[nodiscard]] std::uint32_t version() const { return version_; }
  // What is wrong with the index, or that there is none; empty where seeking uses it.
  [[nodiscard]] const std::string& index_complaint() const { return index_complaint_; }

  // The next record is the first one that is not before `time`, or near before it. Without an index: the first of all.
  void seek(Time time);
  // Records of memory are passed over unless they are asked for.
  void include_memory() { includes_memory_ = true; }
  // The next record, nothing at the end. Throws Error{Corrupt} where the file ends inside one, or holds none there;
  // everything before was read.
  [[nodiscard]] std::optional<TraceRecord> next();

 private:
  void read_index();
  [[nodiscard]] std::optional<TraceRecord> next_of_any_kind();
  [[nodiscard]] std::size_t read(std::byte* target, std::size_t size);

  std::filesystem::path path_;
  std::ifstream file_;
  std::uint64_t size_ = 0;
  std::uint32_t version_ = 0;
  bool includes_memory_ = false;
  TraceInfo info_;
  std::vector<std::uint64_t> index_;  // pairs of time and offset
  std::string index_complaint_;
};

}  // namespace holdover::sim
