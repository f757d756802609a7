// SPDX-License-Identifier: MIT
// The TLP trace file: what passed each endpoint's edge, byte for byte the same for the same configuration and seed.
//
// All numbers little-endian. Header, 32 bytes:
//   0 magic «HOLDTLP\0"   8 version u32 (1)   12 reserved u32 (0)   16 configuration hash u64   24 seed u64
// then records, each 32 bytes and its payload:
//   0 time in ps u64   8 endpoint u8   9 direction u8 (0 rx, 1 tx)   10 reserved u16 (0)   12 payload bytes u32
//   16 TLP header, four u32 double words as numbers (pcie::TlpHeader)   32 payload
// The file appears under its name when it is complete; until then it is «NAME.partial».
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <vector>

#include "pcie/tlp.h"
#include "sim/file_descriptor.h"
#include "sim/witness.h"

namespace holdover::sim {

inline constexpr std::uint32_t kTraceVersion = 1;

struct TraceInfo {
  std::uint64_t configuration_hash = 0;
  std::uint64_t seed = 0;
};

struct TraceRecord {
  Time time;
  unsigned endpoint = 0;
  Direction direction = Direction::Rx;
  pcie::TlpHeader header{};
  std::vector<std::byte> payload;
};

// FNV-1a over what a trace depends on: every field of the configuration but the seed and the paths.
[[nodiscard]] std::uint64_t configuration_hash(const MachineConfig& config);

class TraceWriter {
 public:
  // Throws Error{Unavailable} with the path.
  TraceWriter(const std::filesystem::path& path, const TraceInfo& info);
  TraceWriter(const TraceWriter&) = delete;
  TraceWriter& operator=(const TraceWriter&) = delete;
  // Without close(): removes the partial file.
  ~TraceWriter();

  // Buffered. Throws Error{Unavailable} with the path where the disk refuses.
  void write(Time time, unsigned endpoint, Direction direction, const pcie::Tlp& tlp);
  // Everything written so far is in the partial file.
  void flush();
  // Flushes and renames. Nothing can be written afterwards; a second call does nothing.
  void close();

 private:
  std::filesystem::path path_;
  std::filesystem::path partial_;
  FileDescriptor file_;
  std::vector<std::byte> buffer_;
};

class TraceReader {
 public:
  // Throws Error{Unavailable} where it cannot be read, Error{Corrupt} where it is no trace of this version.
  explicit TraceReader(const std::filesystem::path& path);

  [[nodiscard]] const TraceInfo& info() const { return info_; }
  // The next record, nothing at the end. Throws Error{Corrupt} where the file ends inside one.
  [[nodiscard]] std::optional<TraceRecord> next();

 private:
  std::filesystem::path path_;
  std::ifstream file_;
  TraceInfo info_;
};

}  // namespace holdover::sim
