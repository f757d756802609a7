// SPDX-License-Identifier: MIT
#include "bench/field/look.h"

#include <algorithm>
#include <span>
#include <vector>

#include "host/device/register_block.h"
#include "pcie/config_space.h"

namespace holdover::bench {
namespace {

namespace regs = host::regs;

void look_at_config(host::Device& device, Look& look) {
  const auto read = [&](unsigned offset) { return look.config[offset / 4] = device.config_read(Bytes{offset}, 4); };
  constexpr unsigned kConventional = 0x100;
  constexpr unsigned kLongest = pcie::config::kAerBytes;  // of the extended capabilities that an endpoint has
  for (unsigned offset = 0; offset < kConventional; offset += 4) (void)read(offset);
  // A list whose pointers do not rise, or that has no end, is no list.
  for (unsigned at = kConventional; at != 0;) {
    const std::uint32_t header = read(at);
    if (header == 0 || header == ~0u) return;
    const unsigned next = header >> 20;
    const unsigned end = next > at ? next : at + kLongest;
    for (unsigned offset = at + 4; offset < std::min(end, pcie::config::kSpaceBytes); offset += 4) (void)read(offset);
    at = next > at ? next & ~3u : 0;
  }
}

void look_at_log(host::RegisterBlock& registers, Look& look) {
  const std::uint32_t count = std::min<std::uint32_t>(look.config_writes, Look::kLogEntries);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t entry = (look.config_writes - 1 - i) % Look::kLogEntries;
    registers.write(regs::monitor::kLogSelect, entry);
    LoggedWrite& write = look.log[entry];
    write.clock = registers.read_pair(regs::monitor::kLogTimeLo);
    const std::uint32_t where = registers.read(regs::monitor::kLogWhere);
    write.offset = regs::monitor::kLogWhereOffset.extract(where);
    write.byte_enables = regs::monitor::kLogWhereByteEnables.extract(where);
    write.data = registers.read(regs::monitor::kLogData);
  }
}

void look_at_streams(const host::RegisterBlock& registers, Look& look) {
  namespace writer = regs::heartbeat_writer;
  namespace reader = regs::heartbeat_reader;
  look.writer = {registers.read_pair(writer::kSequenceLo), registers.read(writer::kControl, writer::kControlRun),
                 registers.read(writer::kMissed), registers.read(writer::kPeriod),
                 registers.read(writer::kRingEntries, writer::kRingEntriesEntries)};
  look.reader = {registers.read_pair(reader::kCountLo), registers.read(reader::kControl, reader::kControlRun),
                 registers.read(reader::kMissed), registers.read(reader::kMismatches), registers.read(reader::kFailed)};
  const unsigned channels = std::min(regs::global::kCapabilitiesChannels.extract(look.capabilities), Look::kChannels);
  for (unsigned i = 0; i < channels; ++i) {
    look.channels[i] = {registers.read_pair(regs::channel::completed_lo(i)),
                        registers.read_pair(regs::channel::bytes_lo(i)),
                        registers.read_pair(regs::channel::checked_lo(i)),
                        registers.read(regs::channel::control(i)),
                        registers.read(regs::channel::status(i)),
                        registers.read(regs::channel::mismatches(i)),
                        registers.read(regs::channel::ring_entries(i), regs::channel::kRingEntriesEntries)};
  }
}

void look_at_vectors(const host::RegisterBlock& registers, Look& look) {
  const unsigned vectors = std::min(regs::global::kCapabilitiesVectors.extract(look.capabilities), Look::kVectors);
  // In this order no event is missed that becomes pending, or is sent, between two of the reads.
  for (unsigned i = 0; i < vectors; ++i) {
    look.vectors[i].events = registers.read(regs::monitor::events(i));
    look.vectors[i].coalesced = registers.read(regs::monitor::coalesced(i));
    look.pending |= registers.read(regs::msix_pba::kPending) & (1u << i);
    look.vectors[i].messages = registers.read(regs::monitor::messages(i));
  }
}

}  // namespace

Look look_at(host::Device& device) {
  Look look;
  look_at_config(device, look);
  if (device.bar_size(0) < Bytes{regs::kBarBytes}) return look;
  host::RegisterBlock registers(device, 0);
  if (registers.read(regs::global::kId) != regs::global::kIdReset ||
      registers.read(regs::global::kVersion) != regs::kVersion) {
    return look;
  }
  look.answers = 1;
  look.capabilities = registers.read(regs::global::kCapabilities);
  look.clock_period_ps = registers.read(regs::global::kClockPeriod);
  look.scratch = registers.read(regs::global::kScratch);
  look.clock = registers.read_pair(regs::global::kTimeLo);
  look_at_streams(registers, look);
  look.sticky = registers.read(regs::monitor::kSticky);
  for (unsigned i = 0; i < look.sticky_clock.size(); ++i) {
    if (((look.sticky >> i) & 1) != 0) look.sticky_clock[i] = registers.read_pair(regs::monitor::sticky_time_lo(i));
  }
  look.tx_reads = registers.read(regs::monitor::kTxReads);
  look.rx_completions = registers.read(regs::monitor::kRxCompletions);
  look.rx_bad_completions = registers.read(regs::monitor::kRxBadCompletions);
  look.timeouts = registers.read(regs::monitor::kTimeouts);
  look.config_writes = registers.read(regs::monitor::kConfigWrites);
  look.longest_silence = registers.read(regs::monitor::kLongestSilence);
  look_at_log(registers, look);
  look_at_vectors(registers, look);
  return look;
}

ConfigShadow shadow_of(const Look& look) {
  const auto bytes = std::as_bytes(std::span(look.config));
  return ConfigShadow(std::vector(bytes.begin(), bytes.end()));
}

}  // namespace holdover::bench
