// SPDX-License-Identifier: MIT
#include "bench/ledger/channel_ledger.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "host/driver/endpoint_regs.h"
#include "pcie/pattern.h"

namespace holdover::bench {
namespace {

namespace regs = host::regs::channel;

constexpr std::uint64_t kDescriptorBytes = sizeof(host::DmaDescriptor);
constexpr std::uint64_t kRecordBytes = sizeof(host::DmaCompletion);

}  // namespace

ChannelLedger::ChannelLedger(unsigned endpoint, unsigned channel, Evidence& evidence, Time stall_limit)
    : endpoint_(endpoint), channel_(channel), evidence_(evidence), stall_limit_(stall_limit) {}

void ChannelLedger::on_register_write(Time time, const EndpointRegisters& registers, EndpointRegisters::Write write) {
  if (write.offset != regs::control(channel_)) return;
  if (regs::kControlReset.extract(write.value) != 0) {
    on_time(time);
    judge_control(time, "reset of ");
    forget();
    return;
  }
  const bool run = regs::kControlRun.extract(write.value) != 0;
  if (run && reset_) forget();
  if (run && !running_) {
    if (ever_ran_) judge_control(time, "start of ");
    start(time, registers);
  } else if (!run && running_) {
    on_time(time);
    judge_control(time, "stop of ");
  }
  running_ = run;
}

void ChannelLedger::judge_control(Time time, const std::string& what) {
  if (!evidence_.scene().traffic_bound()) return;
  evidence_.disrupt(time, 1u << endpoint_, Rank::Act, Evidence::checks({Check::Continuity, Check::Interrupts}),
                    what + name());
  evidence_.find(Check::Continuity, time, endpoint_, what + name() + " by its driver, where traffic must go on");
}

void ChannelLedger::forget() {
  running_ = false;
  reset_ = false;
  count_ = 0;
  offset_ = 0;
  records_ = 0;
  slots_.clear();
}

void ChannelLedger::start(Time time, const EndpointRegisters& registers) {
  const std::uint32_t control = registers.at(regs::control(channel_));
  const std::uint64_t ring = registers.pair_at(regs::ring_base_lo(channel_));
  const std::uint64_t entries =
      std::max(1u, regs::kRingEntriesEntries.extract(registers.at(regs::ring_entries(channel_))));
  if (ring != ring_ || entries != entries_) slots_.clear();
  to_host_ = regs::kControlC2h.extract(control) != 0;
  cyclic_ = regs::kControlCyclic.extract(control) != 0;
  pattern_ = regs::kControlPattern.extract(control) != 0;
  ring_ = ring;
  entries_ = entries;
  completions_ = registers.pair_at(regs::completion_base_lo(channel_));
  seed_ = registers.at(regs::seed(channel_));
  slots_.resize(entries_);
  ever_ran_ = true;
  stalled_ = false;
  last_ = time;
}

bool ChannelLedger::in_descriptor_ring(std::uint64_t iova) const {
  return ever_ran_ && iova >= ring_ && iova < ring_ + entries_ * kDescriptorBytes;
}

bool ChannelLedger::in_completion_ring(std::uint64_t iova) const {
  return ever_ran_ && iova >= completions_ && iova < completions_ + entries_ * kRecordBytes;
}

bool ChannelLedger::expects(std::uint64_t iova) const {
  if (!ever_ran_) return false;
  const std::uint64_t slot = count_ % entries_;
  return known(slot) && slots_[slot].descriptor.host_address + offset_ == iova;
}

bool ChannelLedger::reaches(std::uint64_t iova) const {
  if (!ever_ran_) return false;
  for (std::uint64_t slot = 0; slot < slots_.size(); ++slot) {
    const host::DmaDescriptor& descriptor = slots_[slot].descriptor;
    if (known(slot) && iova >= descriptor.host_address && iova - descriptor.host_address < descriptor.length)
      return true;
  }
  return false;
}

std::string ChannelLedger::name() const {
  return "channel " + std::to_string(channel_) + " of endpoint " + std::to_string(endpoint_);
}

std::string ChannelLedger::position(std::uint64_t count, std::uint64_t offset) const {
  return "lap " + std::to_string(lap_of(count)) + ", descriptor " + std::to_string(count % entries_) + ", byte " +
         std::to_string(offset);
}

bool ChannelLedger::matches(const ByteRun& run, std::uint64_t slot, std::uint64_t lap, std::uint64_t offset) const {
  // A place in the pattern stream, which is longer than card memory.
  const std::uint64_t at = slots_[slot].descriptor.card_address + offset;
  return pcie::first_mismatch(run.bytes, seed_, static_cast<std::uint32_t>(lap), at) == run.bytes.size();
}

std::optional<std::uint64_t> ChannelLedger::locate(const ByteRun& run, std::uint64_t& offset) const {
  // Half a lap back to three laps ahead: what is further off is told apart from nothing by its bytes only.
  const std::uint64_t from = count_ > entries_ ? count_ - entries_ : 0;
  std::optional<std::uint64_t> by_address;
  for (std::uint64_t count = from; count < count_ + 3 * entries_; ++count) {
    const std::uint64_t slot = count % entries_;
    if (!known(slot)) continue;
    const host::DmaDescriptor& descriptor = slots_[slot].descriptor;
    if (run.iova < descriptor.host_address || run.iova - descriptor.host_address >= descriptor.length) continue;
    const std::uint64_t at = run.iova - descriptor.host_address;
    if (pattern_ && !run.bytes.empty()) {
      if (!matches(run, slot, lap_of(count), at)) continue;
      offset = at;
      return count;
    }
    if (!pattern_ && count >= count_ && !by_address) {
      offset = at;
      by_address = count;
    }
  }
  return by_address;
}

void ChannelLedger::lost(Time time, std::string sentence) {
  Evidence::Observation observation;
  observation.time = time;
  observation.since = last_;
  observation.endpoint = endpoint_;
  observation.sentence = std::move(sentence);
  evidence_.find(Check::Continuity, std::move(observation));
}

void ChannelLedger::advance(Time time, std::uint64_t bytes) {
  if (running_) longest_stall_ = std::max(longest_stall_, time - last_);
  last_ = time;
  stalled_ = false;
  bytes_ += bytes;
  offset_ += bytes;
  const host::DmaDescriptor& descriptor = slots_[count_ % entries_].descriptor;
  if (offset_ > descriptor.length) {
    lost(time, name() + " ran past the end of " + position(count_, descriptor.length));
  }
  if (offset_ >= descriptor.length) {
    offset_ = 0;
    ++count_;
  }
}

void ChannelLedger::on_data_write(Time time, const ByteRun& run) {
  if (!run.contiguous) lost(time, name() + " wrote with holes in its byte enables at " + hex(run.iova));
  const bool here = expects(run.iova);
  if (here && (!pattern_ || matches(run, count_ % entries_, lap_of(count_), offset_))) {
    on_time(time);
    advance(time, run.bytes.size());
    return;
  }
  std::uint64_t offset = 0;
  const std::optional<std::uint64_t> count = locate(run, offset);
  const std::string expected = position(count_, offset_);
  if (!count) {
    lost(time, name() + " wrote bytes at " + hex(run.iova) + " that belong nowhere near " + expected);
    if (here) advance(time, run.bytes.size());
    return;
  }
  const bool ahead = *count > count_ || (*count == count_ && offset > offset_);
  lost(time, name() + (ahead ? " lost bytes: expected " : " repeated bytes: expected ") + expected + ", got " +
                 position(*count, offset));
  if (!ahead) return;
  count_ = *count;
  offset_ = offset;
  advance(time, run.bytes.size());
}

void ChannelLedger::on_completion_record(Time time, const ByteRun& run) {
  host::DmaCompletion record{};
  const std::uint64_t slot = (run.iova - completions_) / kRecordBytes;
  if (run.bytes.size() != kRecordBytes || (run.iova - completions_) % kRecordBytes != 0) {
    lost(time, name() + " wrote " + std::to_string(run.bytes.size()) + " bytes at " + hex(run.iova) +
                   " in its completion ring: no whole record");
    return;
  }
  std::memcpy(&record, run.bytes.data(), kRecordBytes);
  const std::string which = "completion record " + std::to_string(record.sequence) + " of " + name();
  if (record.sequence != static_cast<std::uint32_t>(records_)) {
    lost(time, which + " is out of order; " + std::to_string(records_) + " was expected");
    const auto ahead = static_cast<std::int32_t>(record.sequence - static_cast<std::uint32_t>(records_));
    if (ahead < 0) return;
    records_ += static_cast<std::uint64_t>(ahead);
  }
  if (slot != records_ % entries_) lost(time, which + " went to slot " + std::to_string(slot));
  const bool phase = (record.status & host::kCompletionPhase) != 0;
  if (phase != (lap_of(records_) % 2 == 0)) lost(time, which + " has the wrong phase bit");
  const auto status = static_cast<host::DmaStatus>(record.status & 0xff);
  if (status != host::DmaStatus::Ok) {
    lost(time, which + " reports status " + std::to_string(record.status & 0xff) + " (DmaStatus)");
  } else if (known(records_ % entries_)) {
    const host::DmaDescriptor& descriptor = slots_[records_ % entries_].descriptor;
    if (record.length != descriptor.length) {
      lost(time,
           which + " reports " + std::to_string(record.length) + " bytes of " + std::to_string(descriptor.length));
    }
    if (record.cookie != descriptor.cookie) lost(time, which + " bears the cookie " + hex(record.cookie, 8));
    if (records_ >= count_) lost(time, which + " came before its data: they stand at " + position(count_, offset_));
  }
  ++records_;
}

void ChannelLedger::on_data_request(Time time, std::uint64_t iova, std::uint64_t bytes) {
  if (expects(iova)) {
    on_time(time);
    advance(time, bytes);
    return;
  }
  const ByteRun nothing{iova, PhysicalAddress{0}, {}, true};
  std::uint64_t offset = 0;
  std::optional<std::uint64_t> count;
  for (std::uint64_t ahead = 0; ahead < entries_ && !count; ++ahead) {
    const std::uint64_t slot = (count_ + ahead) % entries_;
    const host::DmaDescriptor& descriptor = slots_[slot].descriptor;
    if (!known(slot) || iova < descriptor.host_address || iova - descriptor.host_address >= descriptor.length) continue;
    if (ahead == 0 && iova - descriptor.host_address < offset_) continue;
    count = count_ + ahead;
    offset = iova - descriptor.host_address;
  }
  if (!count) {
    lost(time, name() + " asked again for " + hex(nothing.iova) + "; " + position(count_, offset_) + " was expected");
    return;
  }
  lost(time,
       name() + " skipped bytes: expected " + position(count_, offset_) + ", asked for " + position(*count, offset));
  count_ = *count;
  offset_ = offset;
  advance(time, bytes);
}

void ChannelLedger::on_data_served(Time time, const ByteRun& run) {
  if (!pattern_) return;
  for (std::uint64_t slot = 0; slot < slots_.size(); ++slot) {
    const host::DmaDescriptor& descriptor = slots_[slot].descriptor;
    if (!known(slot) || run.iova < descriptor.host_address || run.iova - descriptor.host_address >= descriptor.length) {
      continue;
    }
    if (matches(run, slot, 0, run.iova - descriptor.host_address)) return;
  }
  evidence_.find(Check::Memory, time, endpoint_,
                 name() + " was served bytes at " + hex(run.iova) + " (physical " + hex(run.address.raw()) +
                     ") that nobody has put there: the memory was changed under it");
}

void ChannelLedger::on_descriptor_served(Time time, const ByteRun& run) {
  bool changed = false;
  for (std::size_t i = 0; i < run.bytes.size(); ++i) {
    const std::uint64_t at = run.iova + i - ring_;
    if (run.iova + i < ring_ || at >= entries_ * kDescriptorBytes) continue;
    Slot& slot = slots_[at / kDescriptorBytes];
    const std::uint32_t bit = 1u << (at % kDescriptorBytes);
    std::byte* where = reinterpret_cast<std::byte*>(&slot.descriptor) + at % kDescriptorBytes;
    if (cyclic_ && (slot.known & bit) != 0) {
      changed = changed || *where != run.bytes[i];
      continue;  // the channel must go on as it began
    }
    *where = run.bytes[i];
    slot.known |= bit;
  }
  if (changed) {
    evidence_.find(Check::Memory, time, endpoint_,
                   "the descriptor ring of " + name() + " changed under it: other bytes were served at " +
                       hex(run.iova) + " (physical " + hex(run.address.raw()) + ")");
  }
}

void ChannelLedger::on_time(Time time) {
  if (!running_ || !cyclic_ || stalled_ || time <= last_ + stall_limit_) return;
  stalled_ = true;
  lost(last_ + stall_limit_, name() + " made no progress for more than " + readable_time(stall_limit_) + " after " +
                                 readable_time(last_) + ", at " + position(count_, offset_));
}

void ChannelLedger::on_end(Time time) {
  if (!ever_ran_) return;
  if (offset_ != 0) lost(time, name() + " stopped inside a descriptor, at " + position(count_, offset_));
  if (records_ != count_) {
    lost(time,
         name() + " finished " + std::to_string(count_) + " descriptors and announced " + std::to_string(records_));
  }
}

}  // namespace holdover::bench
