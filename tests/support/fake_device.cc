// SPDX-License-Identifier: MIT
#include "tests/support/fake_device.h"

#include <algorithm>
#include <utility>

#include "pcie/pattern.h"
#include "tests/support/fake_system.h"

namespace holdover::testing {

using host::DmaCompletion;
using host::DmaDescriptor;
using host::DmaStatus;
using host::HeartbeatRecord;
namespace regs = host::regs;

std::byte* FakeTranslation::at(std::uint64_t iova) {
  const auto page = pages.find(iova / kPageSize.count());
  return page == pages.end() ? nullptr : page->second.data() + iova % kPageSize.count();
}

void FakeTranslation::read(std::uint64_t iova, std::span<std::byte> to) {
  for (std::byte& byte : to) {
    const std::byte* from = at(iova++);
    byte = from != nullptr ? *from : std::byte{0xff};
  }
}

void FakeTranslation::write(std::uint64_t iova, std::span<const std::byte> from) {
  for (const std::byte byte : from) {
    if (std::byte* to = at(iova++); to != nullptr) {
      *to = byte;
    }
  }
}

FakeEndpoint::FakeEndpoint(pcie::Bdf bdf) : card_memory(0x10000), bdf_(bdf) {}

std::uint32_t FakeEndpoint::read(std::uint32_t offset) {
  if (!answers) {
    return ~0u;
  }
  switch (offset) {
    case regs::global::kId:
      return id;
    case regs::global::kVersion:
      return version;
    case regs::global::kCapabilities:
      return regs::global::kCapabilitiesChannels.place(4) | regs::global::kCapabilitiesVectors.place(32);
    case regs::global::kClockPeriod:
      return 4000;
    case regs::heartbeat_reader::kStatus:
      return never_idle ? 0 : 1;
    default:
      break;
  }
  for (unsigned channel = 0; channel < 4; ++channel) {
    if (offset == regs::channel::status(channel)) {
      const bool runs = (registers_[regs::channel::control(channel)] & 1) != 0;
      return never_idle || (runs && (registers_[regs::channel::control(channel)] & 4) != 0) ? 0 : 1;
    }
  }
  return registers_[offset];
}

void FakeEndpoint::write(std::uint32_t offset, std::uint32_t value) {
  ++writes;
  registers_[offset] = value;
  for (unsigned channel = 0; channel < 4; ++channel) {
    if (offset == regs::channel::control(channel) && regs::channel::kControlReset.extract(value) != 0) {
      counts_[channel] = {};
      set_pair(regs::channel::completed_lo(channel), 0);
      registers_[offset] = reset_never_ends ? value : 0;
    }
    if (offset == regs::channel::tail(channel) || offset == regs::channel::control(channel)) {
      const std::uint32_t control = registers_[regs::channel::control(channel)];
      while ((control & 1) != 0 && (control & 4) == 0 &&
             static_cast<std::uint32_t>(counts_[channel].completed) != registers_[regs::channel::tail(channel)]) {
        run_descriptor(channel);
      }
    }
  }
}

void FakeEndpoint::reset() {
  registers_.clear();
  counts_ = {};
  sequence_ = 0;
  cells_ = 0;
  bus_master = false;
  ++resets;
}

void FakeEndpoint::advance(unsigned steps) {
  for (unsigned step = 0; bus_master && step < steps; ++step) {
    for (unsigned channel = 0; channel < 4; ++channel) {
      if ((registers_[regs::channel::control(channel)] & 5) == 5 && stalled_channel != static_cast<int>(channel)) {
        run_descriptor(channel);
      }
    }
    beat();
  }
}

void FakeEndpoint::set_pair(std::uint32_t low, std::uint64_t value) {
  registers_[low] = static_cast<std::uint32_t>(value);
  registers_[low + 4] = static_cast<std::uint32_t>(value >> 32);
}

void FakeEndpoint::run_descriptor(unsigned channel) {
  ChannelCounts& counts = counts_[channel];
  const std::uint32_t control = registers_[regs::channel::control(channel)];
  const std::uint64_t entries = registers_[regs::channel::ring_entries(channel)];
  DmaDescriptor descriptor{};
  translation->read(pair(regs::channel::ring_base_lo(channel)) + counts.completed % entries * sizeof(descriptor),
                    std::as_writable_bytes(std::span(&descriptor, 1)));
  std::vector<std::byte> data(descriptor.length);
  const auto card = card_memory.begin() + static_cast<std::ptrdiff_t>(descriptor.card_address % card_memory.size());
  const bool to_host = regs::channel::kControlC2h.extract(control) != 0;
  const bool pattern = regs::channel::kControlPattern.extract(control) != 0;
  const std::uint32_t seed = registers_[regs::channel::seed(channel)];
  if (to_host && pattern) {
    pcie::fill_pattern(data, seed, static_cast<std::uint32_t>(counts.completed / entries), descriptor.card_address);
  } else if (to_host) {
    std::copy_n(card, data.size(), data.begin());
  }
  if (to_host) {
    translation->write(descriptor.host_address, data);
  } else {
    translation->read(descriptor.host_address, data);
    if (!pattern) {
      std::copy(data.begin(), data.end(), card);
    } else if (pcie::first_mismatch(data, seed, 0, descriptor.card_address) != data.size()) {
      ++registers_[regs::channel::mismatches(channel)];
    }
    set_pair(regs::channel::checked_lo(channel), pair(regs::channel::checked_lo(channel)) + data.size());
  }
  const std::uint64_t number = counts.completed++;
  counts.bytes += data.size();
  set_pair(regs::channel::completed_lo(channel), counts.completed);
  set_pair(regs::channel::bytes_lo(channel), counts.bytes);
  const std::uint32_t phase = (number / entries) % 2 == 0 ? host::kCompletionPhase : 0;
  const DmaCompletion record{
      static_cast<std::uint32_t>(number),
      phase | (channel << 8) | static_cast<std::uint32_t>(std::exchange(next_status, DmaStatus::Ok)), descriptor.length,
      descriptor.cookie};
  if (!drops_completions) {
    translation->write(pair(regs::channel::completion_base_lo(channel)) + number % entries * sizeof(record),
                       std::as_bytes(std::span(&record, 1)));
  }
  const std::uint32_t every = std::max(registers_[regs::channel::moderation(channel)] & 0xffff, 1u);
  if (regs::channel::kControlInterrupt.extract(control) != 0 && ++counts.unannounced >= every) {
    counts.unannounced = 0;
    raise(registers_[regs::channel::vector(channel)]);
  }
}

void FakeEndpoint::beat() {
  if ((registers_[regs::heartbeat_writer::kControl] & 1) != 0) {
    const std::uint64_t time = sequence_ * 500;
    const HeartbeatRecord record{sequence_, time, 0, 500, ~(sequence_ ^ time)};
    translation->write(pair(regs::heartbeat_writer::kRingBaseLo) +
                           sequence_ % registers_[regs::heartbeat_writer::kRingEntries] * sizeof(record),
                       std::as_bytes(std::span(&record, 1)));
    set_pair(regs::heartbeat_writer::kSequenceLo, ++sequence_);
    if (sequence_ % registers_[regs::heartbeat_writer::kInterruptEvery] == 0) {
      raise(registers_[regs::heartbeat_writer::kVector]);
    }
  }
  if ((registers_[regs::heartbeat_reader::kControl] & 1) != 0) {
    std::array<std::byte, 32> cell{};
    const std::uint64_t offset = cells_ % registers_[regs::heartbeat_reader::kRingEntries] * cell.size();
    translation->read(pair(regs::heartbeat_reader::kRingBaseLo) + offset, cell);
    if (pcie::first_mismatch(cell, registers_[regs::heartbeat_reader::kSeed], 0, offset) != cell.size()) {
      ++registers_[regs::heartbeat_reader::kMismatches];
    }
    set_pair(regs::heartbeat_reader::kCountLo, ++cells_);
  }
}

void FakeEndpoint::raise(unsigned vector) {
  ++registers_[regs::monitor::events(vector)];
  if (drops_events) {
    return;
  }
  ++registers_[regs::monitor::messages(vector)];
  if (vector < interrupts_enabled && silent_vector != static_cast<int>(vector)) {
    ++interrupts[vector];
  }
}

std::uint64_t FakeDevice::load(unsigned bar, Bytes offset, unsigned size) {
  if (bar != 0) return ~std::uint64_t{0} >> (64 - 8 * size);
  const auto at = static_cast<std::uint32_t>(offset.count());
  std::uint64_t value = endpoint_.read(at & ~3u);
  if (size == 8) value |= std::uint64_t{endpoint_.read(at + 4)} << 32;
  return (value >> (8 * (at & 3))) & (~std::uint64_t{0} >> (64 - 8 * size));
}

void FakeDevice::write(unsigned bar, Bytes offset, std::uint32_t value) {
  if (bar == 0) {
    endpoint_.write(static_cast<std::uint32_t>(offset.count()), value);
  }
}

void FakeDevice::attach(host::AddressSpace& space) {
  endpoint_.translation = dynamic_cast<FakeAddressSpace&>(space).translation.get();
}

std::uint64_t FakeDevice::take_interrupts(unsigned vector) { return std::exchange(endpoint_.interrupts[vector], 0); }

}  // namespace holdover::testing
