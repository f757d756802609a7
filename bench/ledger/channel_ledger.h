// SPDX-License-Identifier: MIT
// An independent model of one DMA channel. What the channel was told is read off the register writes and the
// descriptors that it was served; from then on every byte has its place in one sequence {descriptor count, offset}, and
// each access must go on exactly where the one before it ended.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/ledger/byte_run.h"
#include "bench/ledger/endpoint_registers.h"
#include "bench/ledger/evidence.h"
#include "bench/ledger/scene.h"
#include "host/driver/dma_abi.h"

namespace holdover::bench {

class ChannelLedger {
 public:
  // `stall_limit`: the longest time without progress that the channel is allowed.
  ChannelLedger(unsigned endpoint, unsigned channel, Evidence& evidence, Time stall_limit);

  void on_register_write(Time time, const EndpointRegisters& registers, EndpointRegisters::Write write);

  // The function lost its state: a start after this is a fresh one.
  void on_function_reset() { reset_ = true; }

  // Whether the channel would write, or ask for, exactly this byte next.
  [[nodiscard]] bool expects(std::uint64_t iova) const;
  // Whether the byte lies in a buffer of the channel's descriptors.
  [[nodiscard]] bool reaches(std::uint64_t iova) const;
  [[nodiscard]] bool in_completion_ring(std::uint64_t iova) const;
  [[nodiscard]] bool in_descriptor_ring(std::uint64_t iova) const;

  [[nodiscard]] bool to_host() const { return to_host_; }
  [[nodiscard]] bool ever_ran() const { return ever_ran_; }
  [[nodiscard]] bool running() const { return running_; }
  // Whether this ledger can follow it to its end: it never waits for its host, and bears the generator's values.
  [[nodiscard]] bool endless() const { return cyclic_ && pattern_; }
  [[nodiscard]] Time last_progress() const { return last_; }

  // Accesses that were found to be this channel's.
  void on_data_write(Time time, const ByteRun& run);
  void on_completion_record(Time time, const ByteRun& run);
  void on_data_request(Time time, std::uint64_t iova, std::uint64_t bytes);
  void on_data_served(Time time, const ByteRun& run);
  void on_descriptor_served(Time time, const ByteRun& run);
  void on_time(Time time);
  // Traffic is over: everything announced must have come, everything that came must be announced.
  void on_end(Time time);

  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] std::uint64_t finished() const { return count_; }
  [[nodiscard]] std::uint64_t records() const { return records_; }
  [[nodiscard]] std::uint64_t laps() const { return entries_ == 0 ? 0 : count_ / entries_; }
  [[nodiscard]] Time longest_stall() const { return longest_stall_; }
  [[nodiscard]] Time stall_limit() const { return stall_limit_; }

 private:
  struct Slot {
    host::DmaDescriptor descriptor{};
    std::uint32_t known = 0;  // bit n: byte n has been served
  };

  void forget();
  // An act of the host upon the channel, and a finding where traffic must go on.
  void judge_control(Time time, const std::string& what);
  void start(Time time, const EndpointRegisters& registers);
  [[nodiscard]] bool known(std::uint64_t slot) const {
    return slot < slots_.size() && slots_[slot].known == 0xffff'ffff;
  }
  [[nodiscard]] std::uint64_t lap_of(std::uint64_t count) const { return count / entries_; }
  [[nodiscard]] std::string name() const;
  [[nodiscard]] std::string position(std::uint64_t count, std::uint64_t offset) const;
  // Whether the bytes are the pattern of this lap, from `offset` in the descriptor on.
  [[nodiscard]] bool matches(const ByteRun& run, std::uint64_t slot, std::uint64_t lap, std::uint64_t offset) const;
  // Where in the sequence the run belongs, near the expected position; by address, and by bytes where the source is the
  // generator.
  [[nodiscard]] std::optional<std::uint64_t> locate(const ByteRun& run, std::uint64_t& offset) const;
  void advance(Time time, std::uint64_t bytes);
  void lost(Time time, std::string sentence);

  unsigned endpoint_;
  unsigned channel_;
  Evidence& evidence_;
  Time stall_limit_;

  bool running_ = false;
  bool reset_ = false;
  bool ever_ran_ = false;
  bool to_host_ = false;
  bool cyclic_ = false;
  bool pattern_ = false;
  bool stalled_ = false;  // the present stall has been reported
  std::uint64_t ring_ = 0;
  std::uint64_t completions_ = 0;
  std::uint64_t entries_ = 0;
  std::uint32_t seed_ = 0;
  std::vector<Slot> slots_;

  std::uint64_t count_ = 0;    // descriptors done since RESET
  std::uint64_t offset_ = 0;   // bytes done of the next one
  std::uint64_t records_ = 0;  // completion records since RESET
  std::uint64_t bytes_ = 0;
  Time last_;
  Time longest_stall_;
};

}  // namespace holdover::bench
