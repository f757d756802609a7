// SPDX-License-Identifier: MIT
#include "bench/ledger/heartbeat_ledger.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "host/driver/dma_abi.h"
#include "host/driver/endpoint_regs.h"
#include "pcie/pattern.h"

namespace holdover::bench {
namespace {

namespace writer_regs = host::regs::heartbeat_writer;
namespace reader_regs = host::regs::heartbeat_reader;

constexpr std::uint64_t kRecordBytes = sizeof(host::HeartbeatRecord);
constexpr Time kClock{4000};

}  // namespace

HeartbeatLedger::HeartbeatLedger(unsigned endpoint, const Scene& scene, Evidence& evidence, Time machine_delay)
    : endpoint_(endpoint), scene_(scene), evidence_(evidence), machine_delay_(machine_delay) {}

HeartbeatLedger::SegmentCount& HeartbeatLedger::segment() {
  if (segments_.size() <= scene_.segment()) segments_.resize(scene_.segment() + 1);
  return segments_[scene_.segment()];
}

void HeartbeatLedger::on_register_write(Time time, const EndpointRegisters& registers, EndpointRegisters::Write write) {
  if (write.offset == writer_regs::kControl) {
    control_writer(time, registers, writer_regs::kControlRun.extract(write.value) != 0);
  } else if (write.offset == reader_regs::kControl) {
    control_reader(time, registers, reader_regs::kControlRun.extract(write.value) != 0);
  }
}

void HeartbeatLedger::judge_control(Time time, const std::string& what) {
  if (!scene_.traffic_bound()) return;
  const std::string whose = what + " of endpoint " + std::to_string(endpoint_);
  evidence_.disrupt(time, 1u << endpoint_, Rank::Act, Evidence::checks({Check::Continuity, Check::Interrupts}), whose);
  evidence_.find(Check::Continuity, time, endpoint_, whose + " by its driver, where traffic must go on");
}

void HeartbeatLedger::control_writer(Time time, const EndpointRegisters& registers, bool run) {
  if (run && (!writer_.running || writer_.reset)) {
    if (writer_.ever_ran) judge_control(time, "start of the heartbeat writer");
    start_writer(time, registers);
  } else if (!run && writer_.running) {
    on_time(time);
    count_absent(time);
    judge_control(time, "stop of the heartbeat writer");
    writer_.running = false;
  }
}

void HeartbeatLedger::control_reader(Time time, const EndpointRegisters& registers, bool run) {
  if (run && (!reader_.running || reader_.reset)) {
    if (reader_.ever_ran) judge_control(time, "start of the heartbeat reader");
    const std::uint64_t cells = reader_.cells;
    reader_ = Reader{};
    reader_.cells = cells;
    reader_.ever_ran = true;
    reader_.base = registers.pair_at(reader_regs::kRingBaseLo);
    reader_.entries = std::max(1u, registers.at(reader_regs::kRingEntries));
    reader_.seed = registers.at(reader_regs::kSeed);
    reader_.period = kClock * registers.at(reader_regs::kPeriod);
    reader_.last = time;
  } else if (!run && reader_.running) {
    on_time(time);
    judge_control(time, "stop of the heartbeat reader");
  }
  reader_.running = run;
}

void HeartbeatLedger::start_writer(Time time, const EndpointRegisters& registers) {
  writer_.reset = false;
  writer_.running = true;
  writer_.ever_ran = true;
  writer_.silent = false;
  writer_.first = true;
  writer_.least_offset.reset();
  writer_.base = registers.pair_at(writer_regs::kRingBaseLo);
  writer_.entries = std::max(1u, registers.at(writer_regs::kRingEntries));
  writer_.period = kClock * registers.at(writer_regs::kPeriod);
  writer_.last = time;
  segment();
}

bool HeartbeatLedger::on_memory_write(Time time, const ByteRun& run) {
  if (!writer_.ever_ran || run.iova < writer_.base || run.iova >= writer_.base + writer_.entries * kRecordBytes) {
    return false;
  }
  judge_record(time, run);
  return true;
}

void HeartbeatLedger::lost(Time time, std::string sentence) {
  Evidence::Observation observation;
  observation.time = time;
  observation.since = writer_.last;
  observation.due = writer_.last + writer_.period;
  observation.endpoint = endpoint_;
  observation.sentence = std::move(sentence);
  evidence_.find(Check::Continuity, std::move(observation));
}

void HeartbeatLedger::judge_record(Time time, const ByteRun& run) {
  const std::string whose = "endpoint " + std::to_string(endpoint_);
  if (run.bytes.size() != kRecordBytes || !run.contiguous || (run.iova - writer_.base) % kRecordBytes != 0) {
    lost(time, whose + " wrote " + std::to_string(run.bytes.size()) + " bytes at " + hex(run.iova) +
                   " in its heartbeat ring: no whole record");
    return;
  }
  host::HeartbeatRecord record{};
  std::memcpy(&record, run.bytes.data(), kRecordBytes);
  const std::string number = "heartbeat record " + std::to_string(record.sequence) + " of " + whose;
  if (record.check != ~(record.sequence ^ record.time)) {
    lost(time, number + " has a wrong check word");
    return;
  }
  const std::uint64_t slot = (run.iova - writer_.base) / kRecordBytes;
  if (slot != record.sequence % writer_.entries) {
    lost(time, number + " went to slot " + std::to_string(slot) + " of " + std::to_string(writer_.entries));
  }
  if (!writer_.first) {
    const std::uint64_t missed = record.missed - writer_.missed;
    if (record.sequence > writer_.sequence) writer_.absent += record.sequence - writer_.sequence;
    if (missed != 0) {
      lost(time, whose + " missed " + std::to_string(missed) + " heartbeat deadlines before record " +
                     std::to_string(record.sequence));
    }
    if (record.sequence > writer_.sequence + missed) {
      lost(time, "heartbeat records " + std::to_string(writer_.sequence) + " to " +
                     std::to_string(record.sequence - 1) + " of " + whose + " lost");
    } else if (record.sequence < writer_.sequence) {
      lost(time, number + " came again or out of order; " + std::to_string(writer_.sequence) + " was expected");
    } else if (record.time - writer_.clock != (record.sequence - writer_.sequence + 1) * (writer_.period / kClock)) {
      lost(time, number + " has a time stamp off its deadline");
    }
  }
  if (writer_.first && record.sequence != 0) {
    writer_.absent += record.sequence;
    lost(time, "heartbeat records 0 to " + std::to_string(record.sequence - 1) + " of " + whose + " lost");
  }
  judge_lateness(time, record.time, number);
  on_time(time);
  if (writer_.running || !writer_.first) count_silence(time);
  writer_.first = false;
  writer_.sequence = record.sequence + 1;
  writer_.clock = record.time;
  writer_.missed = record.missed;
  writer_.last = time;
  writer_.silent = false;
  ++writer_.records;
  ++segment().records;
}

// A record that took no time at all would come at its time stamp; the earliest one so far says what that is in the
// machine's time. No record comes later than that by more than the machine can delay it.
void HeartbeatLedger::judge_lateness(Time time, std::uint64_t clock, const std::string& number) {
  const std::int64_t offset =
      static_cast<std::int64_t>(time.count()) - static_cast<std::int64_t>(clock * kClock.count());
  writer_.least_offset = std::min(writer_.least_offset.value_or(offset), offset);
  const Time late{static_cast<std::uint64_t>(offset - *writer_.least_offset)};
  if (late > machine_delay_) lost(time, number + " came " + readable_time(late) + " after its deadline");
}

void HeartbeatLedger::count_silence(Time time) {
  const Time gap = time - writer_.last;
  if (!writer_.longest || gap > *writer_.longest) writer_.longest = gap;
  SegmentCount& now = segment();
  if (!now.longest_silence || gap > *now.longest_silence) now.longest_silence = gap;
}

// Records whose deadline, and the longest time that the machine may take for one, have passed since the latest one.
void HeartbeatLedger::count_absent(Time time) {
  if (time <= writer_.last + limit() || writer_.period == Time{0}) return;
  writer_.absent += (time - writer_.last - machine_delay_).count() / writer_.period.count();
}

void HeartbeatLedger::on_transmit(std::uint64_t iova) {
  if (!writer_.ever_ran || iova < writer_.base || iova >= writer_.base + writer_.entries * kRecordBytes) return;
  ++writer_.sent;
}

void HeartbeatLedger::on_end(Time time, bool stopped) {
  if (writer_.running) count_absent(time);
  if (!stopped || writer_.sent <= writer_.records) return;
  lost(time, std::to_string(writer_.sent - writer_.records) + " heartbeat records left endpoint " +
                 std::to_string(endpoint_) + " and never reached memory");
}

void HeartbeatLedger::on_time(Time time) {
  if (reader_.running && !reader_.silent && time > reader_.last + reader_limit()) {
    reader_.silent = true;
    Evidence::Observation observation;
    observation.time = reader_.last + reader_limit();
    observation.since = reader_.last;
    observation.due = reader_.last + reader_.period;
    observation.endpoint = endpoint_;
    observation.sentence = "the heartbeat reader of endpoint " + std::to_string(endpoint_) +
                           " asked for nothing for more than " + readable_time(reader_limit()) + " after " +
                           readable_time(reader_.last);
    evidence_.find(Check::Continuity, std::move(observation));
  }
  if (!writer_.running || time <= writer_.last + limit()) return;
  count_silence(time);
  if (writer_.silent) return;
  writer_.silent = true;
  Evidence::Observation observation;
  observation.time = writer_.last + limit();
  observation.since = writer_.last;
  observation.due = writer_.last + writer_.period;
  observation.endpoint = endpoint_;
  observation.sentence = "endpoint " + std::to_string(endpoint_) + " was silent for more than " +
                         readable_time(limit()) + " after " +
                         (writer_.first ? std::string("its heartbeat was started")
                                        : "heartbeat record " + std::to_string(writer_.sequence - 1)) +
                         " at " + readable_time(writer_.last);
  evidence_.find(Check::Continuity, std::move(observation));
}

bool HeartbeatLedger::on_read_request(Time time, std::uint64_t iova, std::uint64_t bytes) {
  if (!reader_.ever_ran || iova < reader_.base || iova >= reader_.base + reader_.entries * kRecordBytes) return false;
  const std::uint64_t cell = (iova - reader_.base) / kRecordBytes;
  on_time(time);
  Evidence::Observation observation;
  observation.time = time;
  observation.since = reader_.last;
  observation.endpoint = endpoint_;
  if (bytes != kRecordBytes || (iova - reader_.base) % kRecordBytes != 0) {
    observation.sentence = "the heartbeat reader of endpoint " + std::to_string(endpoint_) + " asked for " +
                           std::to_string(bytes) + " bytes at " + hex(iova) + ": no whole cell";
    evidence_.find(Check::Continuity, std::move(observation));
  } else if (cell != reader_.next) {
    observation.sentence = "the heartbeat reader of endpoint " + std::to_string(endpoint_) + " asked for cell " +
                           std::to_string(cell) + "; " + std::to_string(reader_.next) + " was expected";
    evidence_.find(Check::Continuity, std::move(observation));
  }
  reader_.silent = false;
  reader_.next = (cell + 1) % reader_.entries;
  reader_.last = time;
  ++reader_.cells;
  return true;
}

bool HeartbeatLedger::on_memory_read(Time time, const ByteRun& run) {
  if (!reader_.ever_ran || run.iova < reader_.base || run.iova >= reader_.base + reader_.entries * kRecordBytes) {
    return false;
  }
  const std::size_t wrong = pcie::first_mismatch(run.bytes, reader_.seed, 0, run.iova - reader_.base);
  if (wrong != run.bytes.size()) {
    evidence_.find(Check::Memory, time, endpoint_,
                   "the heartbeat reader of endpoint " + std::to_string(endpoint_) + " was served a wrong byte at " +
                       hex(run.iova + wrong) + " (physical " + hex((run.address + Bytes{wrong}).raw()) + ")");
  }
  return true;
}

}  // namespace holdover::bench
