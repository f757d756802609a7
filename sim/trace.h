// SPDX-License-Identifier: MIT
// Writes the TLP trace file (sim/trace_format.h): what passed each endpoint's edge, byte for byte the same for the same
// configuration and seed. The file appears under its name when it is complete; until then it is «NAME.partial».
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "pcie/file_descriptor.h"
#include "pcie/tlp.h"
#include "sim/trace_format.h"
#include "sim/witness.h"

namespace holdover::sim {

struct TraceInfo {
  std::uint64_t configuration_hash = 0;
  std::uint64_t seed = 0;
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
  // Records of memory (sim/memory_recorder.h). A store has at most kMostPayload bytes.
  void write_effect(Time time, unsigned endpoint, const pcie::Tlp& request);
  void write_store(Time time, PhysicalAddress address, std::span<const std::byte> bytes);
  void write_register(Time time, BusAddress address, std::span<const std::byte> bytes);
  void write_fill(Time time, PhysicalAddress page, std::uint64_t word);
  // Everything written so far is in the partial file.
  void flush();
  // Writes the index, flushes and renames. Nothing can be written afterwards; a second call does nothing.
  void close();

 private:
  void append(Time time, unsigned endpoint, trace_format::RecordKind kind, const pcie::TlpHeader& words,
              std::span<const std::byte> payload);
  void write_index();

  std::filesystem::path path_;
  std::filesystem::path partial_;
  FileDescriptor file_;
  std::vector<std::byte> buffer_;
  std::uint64_t flushed_ = 0;  // bytes before the buffer
  std::uint64_t records_ = 0;
  std::vector<std::uint64_t> index_;  // pairs
  std::uint64_t next_index_ = 0;      // offset from which on the next pair is due
};

}  // namespace holdover::sim
