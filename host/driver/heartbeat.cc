// SPDX-License-Identifier: MIT
#include "host/driver/heartbeat.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "pcie/error.h"
#include "pcie/pattern.h"

namespace holdover::host {
namespace {

HeartbeatState remember(const HeartbeatConfig& config) {
  HOLDOVER_CHECK(config.entries > 0 && config.entries <= 0xffff && config.period >= 16);
  return HeartbeatState{1,
                        config.entries,
                        config.ring,
                        config.period,
                        config.vector.value_or(0),
                        config.vector ? config.interrupt_every : 0,
                        config.seed};
}

}  // namespace

HeartbeatWriter::HeartbeatWriter(RegisterBlock& registers, HeartbeatState& state, std::string name)
    : registers_(registers), state_(state), name_(std::move(name)) {}

void HeartbeatWriter::start(const HeartbeatConfig& config, const DmaRegion& ring) {
  HOLDOVER_CHECK(ring.bytes.size() >= config.entries * sizeof(HeartbeatRecord) && ring.iova.raw() % 64 == 0);
  state_ = remember(config);
  ring_ = ring.bytes;
  std::fill(ring_.begin(), ring_.end(), std::byte{0});
  registers_.write_pair(regs::heartbeat_writer::kRingBaseLo, ring.iova.raw());
  registers_.write(regs::heartbeat_writer::kRingEntries, config.entries);
  registers_.write(regs::heartbeat_writer::kPeriod, config.period);
  registers_.write(regs::heartbeat_writer::kVector, state_.vector);
  registers_.write(regs::heartbeat_writer::kInterruptEvery, std::max(state_.interrupt_every, 1u));
  registers_.write(regs::heartbeat_writer::kControl,
                   regs::heartbeat_writer::kControlRun.mask() |
                       regs::heartbeat_writer::kControlInterrupt.place(config.vector.has_value()));
}

void HeartbeatWriter::adopt(const DmaRegion& ring) {
  if (registers_.read_pair(regs::heartbeat_writer::kRingBaseLo) != ring.iova.raw() ||
      registers_.read(regs::heartbeat_writer::kRingEntries) != state_.entries) {
    throw Error(ErrorCode::Corrupt, name_ + " does not use the ring that its driver state names; was it reset?");
  }
  ring_ = ring.bytes;
}

void HeartbeatWriter::stop() {
  registers_.write(regs::heartbeat_writer::kControl, 0);
  state_.running = 0;
  static_cast<void>(registers_.read(regs::heartbeat_writer::kSequenceLo));
}

std::optional<HeartbeatRecord> HeartbeatWriter::record(std::uint64_t sequence) const {
  HOLDOVER_CHECK(!ring_.empty());
  HeartbeatRecord record;
  std::memcpy(&record, ring_.data() + (sequence % state_.entries) * sizeof(record), sizeof(record));
  if (record.sequence != sequence || record.check != ~(record.sequence ^ record.time)) {
    return std::nullopt;
  }
  return record;
}

HeartbeatWriterStatistics HeartbeatWriter::statistics() const {
  return {registers_.read(regs::heartbeat_writer::kControl, regs::heartbeat_writer::kControlRun) != 0,
          registers_.read_pair(regs::heartbeat_writer::kSequenceLo), registers_.read(regs::heartbeat_writer::kMissed)};
}

HeartbeatReader::HeartbeatReader(RegisterBlock& registers, HeartbeatState& state, std::string name, Wait wait)
    : registers_(registers), state_(state), name_(std::move(name)), wait_(std::move(wait)) {}

void HeartbeatReader::start(const HeartbeatConfig& config, const DmaRegion& table) {
  HOLDOVER_CHECK(table.bytes.size() >= config.entries * sizeof(HeartbeatRecord) && table.iova.raw() % 64 == 0);
  state_ = remember(config);
  pcie::fill_pattern(table.bytes.first(config.entries * sizeof(HeartbeatRecord)), config.seed, 0, 0);
  registers_.write_pair(regs::heartbeat_reader::kRingBaseLo, table.iova.raw());
  registers_.write(regs::heartbeat_reader::kRingEntries, config.entries);
  registers_.write(regs::heartbeat_reader::kPeriod, config.period);
  registers_.write(regs::heartbeat_reader::kSeed, config.seed);
  registers_.write(regs::heartbeat_reader::kControl, regs::heartbeat_reader::kControlRun.mask());
}

void HeartbeatReader::adopt(const DmaRegion& table) {
  if (registers_.read_pair(regs::heartbeat_reader::kRingBaseLo) != table.iova.raw() ||
      registers_.read(regs::heartbeat_reader::kRingEntries) != state_.entries) {
    throw Error(ErrorCode::Corrupt, name_ + " does not use the table that its driver state names; was it reset?");
  }
}

void HeartbeatReader::stop(std::chrono::nanoseconds patience) {
  registers_.write(regs::heartbeat_reader::kControl, 0);
  state_.running = 0;
  for (std::chrono::nanoseconds waited{0}; waited <= patience; waited += kLookInterval) {
    const std::uint32_t status = registers_.read(regs::heartbeat_reader::kStatus);
    if (status != ~std::uint32_t{0} && regs::heartbeat_reader::kStatusIdle.extract(status) != 0) {
      return;
    }
    wait_(kLookInterval);
  }
  throw Error(ErrorCode::Unavailable, name_ + " cannot be stopped: it does not become idle within " +
                                          std::to_string(patience.count()) +
                                          " ns; is bus mastering on, and does the link work?");
}

HeartbeatReaderStatistics HeartbeatReader::statistics() const {
  return {registers_.read(regs::heartbeat_reader::kControl, regs::heartbeat_reader::kControlRun) != 0,
          registers_.read_pair(regs::heartbeat_reader::kCountLo), registers_.read(regs::heartbeat_reader::kMissed),
          registers_.read(regs::heartbeat_reader::kMismatches), registers_.read(regs::heartbeat_reader::kFailed)};
}

}  // namespace holdover::host
