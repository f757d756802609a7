// SPDX-License-Identifier: MIT
// The heartbeat of one endpoint: every record in the order in which it reaches memory, and every cell that the reader
// asks for. What ring, period and seed are is read off the register writes that start them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/ledger/byte_run.h"
#include "bench/ledger/endpoint_registers.h"
#include "bench/ledger/evidence.h"
#include "bench/ledger/scene.h"

namespace holdover::bench {

class HeartbeatLedger {
 public:
  struct SegmentCount {
    std::uint64_t records = 0;
    std::optional<Time> longest_silence;  // of those that ended in the segment
  };

  // `machine_delay` is the longest time by which the machine itself may delay a record.
  HeartbeatLedger(unsigned endpoint, const Scene& scene, Evidence& evidence, Time machine_delay);

  void on_register_write(Time time, const EndpointRegisters& registers, EndpointRegisters::Write write);
  // Whether the access belongs to the heartbeat; if so it has been judged.
  bool on_memory_write(Time time, const ByteRun& run);
  bool on_memory_read(Time time, const ByteRun& run);
  bool on_read_request(Time time, std::uint64_t iova, std::uint64_t bytes);
  // A memory write leaves the endpoint; counted where it goes to the ring.
  void on_transmit(std::uint64_t iova);
  // The function lost its state: a start after this is a fresh one.
  void on_function_reset() { writer_.reset = reader_.reset = true; }
  // Time has come this far without another record.
  void on_time(Time time);
  // The run is over. `stopped`: traffic had been stopped before, so that every record that was sent must have come.
  void on_end(Time time, bool stopped);

  [[nodiscard]] bool running() const { return writer_.running; }
  [[nodiscard]] bool ever_ran() const { return writer_.ever_ran; }
  [[nodiscard]] Time last_sign() const { return writer_.last; }
  [[nodiscard]] std::uint64_t records() const { return writer_.records; }
  // Deadlines that passed without a record in memory, whatever became of it, until the latest record or until the
  // writer was stopped.
  [[nodiscard]] std::uint64_t absent() const { return writer_.absent; }
  [[nodiscard]] std::uint64_t cells() const { return reader_.cells; }
  [[nodiscard]] bool reader_running() const { return reader_.running; }
  [[nodiscard]] Time last_cell() const { return reader_.last; }
  [[nodiscard]] Time period() const { return writer_.period; }
  [[nodiscard]] Time limit() const { return writer_.period + machine_delay_; }
  // A read needs a tag besides, which comes free as other answers arrive: one period more.
  [[nodiscard]] Time reader_limit() const { return reader_.period * 2 + machine_delay_; }
  [[nodiscard]] std::optional<Time> longest_silence() const { return writer_.longest; }
  [[nodiscard]] const std::vector<SegmentCount>& segments() const { return segments_; }

 private:
  struct Writer {
    bool running = false;
    bool ever_ran = false;
    bool reset = false;   // since the last start
    bool silent = false;  // the present silence has been reported
    std::uint64_t base = 0;
    std::uint64_t entries = 0;
    Time period;
    Time last;  // arrival of the latest record, or the start
    bool first = true;
    std::uint64_t sequence = 0;                // expected next
    std::uint64_t clock = 0;                   // time stamp of the latest record, in endpoint clocks
    std::optional<std::int64_t> least_offset;  // arrival - time stamp of the earliest record so far, in ps
    std::uint64_t missed = 0;
    std::uint64_t absent = 0;
    std::uint64_t records = 0;
    std::uint64_t sent = 0;
    std::optional<Time> longest;
  };
  struct Reader {
    bool running = false;
    bool ever_ran = false;
    bool reset = false;  // since the last start
    std::uint64_t base = 0;
    std::uint64_t entries = 0;
    std::uint32_t seed = 0;
    Time period;
    bool silent = false;  // the present silence has been reported
    std::uint64_t cells = 0;
    std::uint64_t next = 0;  // cell expected to be asked for next
    Time last;
  };

  void start_writer(Time time, const EndpointRegisters& registers);
  void control_writer(Time time, const EndpointRegisters& registers, bool run);
  void control_reader(Time time, const EndpointRegisters& registers, bool run);
  // A stream was stopped or started: an act of the host, and a finding where traffic must go on.
  void judge_control(Time time, const std::string& what);
  void count_absent(Time time);
  void judge_record(Time time, const ByteRun& run);
  void judge_lateness(Time time, std::uint64_t clock, const std::string& number);
  void count_silence(Time time);
  void lost(Time time, std::string sentence);
  SegmentCount& segment();

  unsigned endpoint_;
  const Scene& scene_;
  Evidence& evidence_;
  Time machine_delay_;
  Writer writer_;
  Reader reader_;
  std::vector<SegmentCount> segments_;
};

}  // namespace holdover::bench
