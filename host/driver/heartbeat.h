// SPDX-License-Identifier: MIT
// The endpoint's heartbeat: a writer that puts numbered records into a host ring, a reader that checks a host table.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "host/driver/channel.h"

namespace holdover::host {

struct HeartbeatConfig {
  unsigned entries = 0;
  DmaPlace ring{};                 // 64-byte aligned; the writer's ring or the reader's table
  unsigned period = 500;           // clocks
  std::uint32_t seed = 0;          // reader
  std::optional<unsigned> vector;  // writer
  unsigned interrupt_every = 1;    // writer: records per event
};

struct HeartbeatWriterStatistics {
  bool running = false;
  std::uint64_t sequence = 0;
  std::uint32_t missed = 0;
};

struct HeartbeatReaderStatistics {
  bool running = false;
  std::uint64_t count = 0;
  std::uint32_t missed = 0;
  std::uint32_t mismatches = 0;
  std::uint32_t failed = 0;
};

class HeartbeatWriter {
 public:
  HeartbeatWriter(RegisterBlock& registers, HeartbeatState& state, std::string name);

  void start(const HeartbeatConfig& config, const DmaRegion& ring);
  // Throws Error{Corrupt} where the hardware uses another ring than `ring`.
  void adopt(const DmaRegion& ring);
  // No record is under way when it returns: the answer to the read that ends it comes behind them.
  void stop();
  // Record `sequence` as it lies in the ring; nothing where the slot holds another or a broken one.
  [[nodiscard]] std::optional<HeartbeatRecord> record(std::uint64_t sequence) const;
  [[nodiscard]] HeartbeatWriterStatistics statistics() const;

 private:
  RegisterBlock& registers_;
  HeartbeatState& state_;
  std::string name_;
  std::span<std::byte> ring_;
};

class HeartbeatReader {
 public:
  HeartbeatReader(RegisterBlock& registers, HeartbeatState& state, std::string name, Wait wait);

  // Fills `table` with the pattern and starts.
  void start(const HeartbeatConfig& config, const DmaRegion& table);
  void adopt(const DmaRegion& table);
  // Throws Error{Unavailable} where its last read does not end.
  void stop(std::chrono::nanoseconds patience = kPatience);
  [[nodiscard]] HeartbeatReaderStatistics statistics() const;

 private:
  RegisterBlock& registers_;
  HeartbeatState& state_;
  std::string name_;
  Wait wait_;
};

}  // namespace holdover::host
