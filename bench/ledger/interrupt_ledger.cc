// SPDX-License-Identifier: MIT
#include "bench/ledger/interrupt_ledger.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "host/driver/endpoint_regs.h"

namespace holdover::bench {
namespace {

namespace table = host::regs::msix_table;

// Events that may be under way inside the endpoint at once: a message at its edge, and a pending bit behind it.
constexpr std::uint64_t kMostOutstanding = 3;
// What an event takes at most from the endpoint's inside to memory when nothing holds it.
constexpr Time kSettled{10'000'000};

bool in_message_window(std::uint64_t address) {
  constexpr std::uint64_t kWindowBytes = 0x10'0000;
  const std::uint64_t base = sim::kPlatformMap.msi_window.raw();
  return address >= base && address < base + kWindowBytes;
}

std::uint64_t table_address(const EndpointRegisters& registers, unsigned vector) {
  return registers.at(table::address_lo(vector)) | (std::uint64_t{registers.at(table::address_hi(vector))} << 32);
}

}  // namespace

InterruptLedger::InterruptLedger(unsigned endpoint, const Scene& scene, Evidence& evidence)
    : endpoint_(endpoint), scene_(scene), evidence_(evidence) {}

std::string InterruptLedger::name(unsigned vector) const {
  return "vector " + std::to_string(vector) + " of endpoint " + std::to_string(endpoint_);
}

void InterruptLedger::report(Time time, Time since, std::string sentence) {
  Evidence::Observation observation;
  observation.time = time;
  observation.since = since;
  observation.endpoint = endpoint_;
  observation.sentence = std::move(sentence);
  evidence_.find(Check::Interrupts, std::move(observation));
}

void InterruptLedger::overdue(Time time, unsigned vector) {
  Vector& state = vectors_[vector];
  if (state.overdue) return;
  state.overdue = true;
  report(time, scene_.window_begin().value_or(state.waiting),
         std::to_string(outstanding(state)) + " events on " + name(vector) +
             " have neither become a message nor joined one that waits: " + std::to_string(state.events) + " events, " +
             std::to_string(state.coalesced) + " coalesced, " + std::to_string(state.sent) + " messages");
}

void InterruptLedger::on_event(Time time, unsigned vector, bool coalesced) {
  Vector& state = vectors_.at(vector % kVectors);
  if (outstanding(state) == 0) state.waiting = time;
  ++state.events;
  if (coalesced) ++state.coalesced;
  if (outstanding(state) > kMostOutstanding) overdue(time, vector % kVectors);
}

bool InterruptLedger::on_transmit(Time time, const pcie::Tlp& tlp, const EndpointRegisters& registers) {
  if (tlp.kind != pcie::TlpKind::MemoryWrite || !in_message_window(tlp.address)) return false;
  std::uint32_t data = 0;
  if (tlp.payload.size() >= sizeof data) std::memcpy(&data, tlp.payload.data(), sizeof data);
  for (unsigned vector = 0; vector < kVectors; ++vector) {
    if (table_address(registers, vector) != tlp.address || registers.at(table::data(vector)) != data) continue;
    Vector& state = vectors_[vector];
    ++state.sent;
    const bool late = deliverable_ && time > std::max({state.waiting, changed_, state.masking_changed}) + kSettled;
    if (outstanding(state) != 0 && late) overdue(time, vector);
    if (state.sent + state.coalesced > state.events) {
      report(time, time, "a message for " + name(vector) + " without an event: sent twice or out of nothing");
    }
    in_flight_.push_back({vector, tlp.address, data});
    return true;
  }
  report(time, time,
         "endpoint " + std::to_string(endpoint_) + " sent a message " + hex(data, 8) + " to " + hex(tlp.address) +
             " that stands in no entry of its MSI-X table");
  return true;
}

void InterruptLedger::on_message(Time time, std::uint64_t address, std::uint32_t data, sim::MessageOutcome outcome) {
  const auto match = std::find_if(in_flight_.begin(), in_flight_.end(), [&](const Message& message) {
    return message.address == address && message.data == data;
  });
  if (match == in_flight_.end()) {
    report(time, time,
           "a message " + hex(data, 8) + " of endpoint " + std::to_string(endpoint_) +
               " arrived that it did not send, or arrived twice");
    return;
  }
  for (auto lost = in_flight_.begin(); lost != match; ++lost) {
    report(time, time, "a message for " + name(lost->vector) + " was lost on its way");
  }
  const unsigned vector = match->vector;
  ++vectors_[vector].arrived;
  in_flight_.erase(in_flight_.begin(), match + 1);
  if (outcome == sim::MessageOutcome::Discarded) {
    report(time, time, "a message for " + name(vector) + " found the interrupt controller off and was discarded");
  } else if (outcome == sim::MessageOutcome::Blocked) {
    report(time, time, "a message for " + name(vector) + " was blocked by interrupt remapping");
  }
}

void InterruptLedger::on_register_write(Time time, EndpointRegisters::Write write) {
  for (unsigned vector = 0; vector < kVectors; ++vector) {
    if (write.offset != table::vector_control(vector)) continue;
    Vector& state = vectors_[vector];
    const bool masked = table::kVectorControlMask.extract(write.value) != 0;
    if (masked != state.masked) state.masking_changed = time;
    state.masked = masked;
  }
}

void InterruptLedger::on_enable(Time time, bool deliverable) {
  if (deliverable == deliverable_) return;
  deliverable_ = deliverable;
  changed_ = time;
}

std::uint32_t InterruptLedger::live(const EndpointRegisters& registers) const {
  std::uint32_t live = 0;
  for (unsigned vector = 0; deliverable_ && vector < kVectors; ++vector) {
    if (table::kVectorControlMask.extract(registers.at(table::vector_control(vector))) == 0) live |= 1u << vector;
  }
  return live;
}

void InterruptLedger::open_window(const EndpointRegisters& registers) { live_ = live(registers); }

void InterruptLedger::close_window(Time time, const EndpointRegisters& registers) {
  const std::uint32_t held = live_ & ~live(registers);
  for (unsigned vector = 0; vector < kVectors; ++vector) {
    if (((held >> vector) & 1) == 0) continue;
    report(time, scene_.window_begin().value_or(time),
           name(vector) + " could fire before the update and cannot fire after it");
  }
}

void InterruptLedger::on_end(Time time, const EndpointRegisters& registers) {
  const Time since = scene_.window_begin().value_or(time);
  for (const Message& message : in_flight_) {
    report(time, since, "a message for " + name(message.vector) + " left the endpoint and never arrived");
  }
  for (unsigned vector = 0; vector < kVectors; ++vector) {
    const Vector& state = vectors_[vector];
    const std::uint64_t left = outstanding(state);
    if (left == 0 || state.overdue) continue;
    // One event may wait in the pending bit of a vector that was held when it came, or be on its way.
    const bool masked = table::kVectorControlMask.extract(registers.at(table::vector_control(vector))) != 0;
    const Time held_since = std::min(deliverable_ ? time : changed_, masked ? state.masking_changed : time);
    if (left == 1 && held_since <= state.waiting + kSettled) continue;
    report(time, since,
           std::to_string(left) + " events on " + name(vector) +
               " never became a message: " + std::to_string(state.events) + " events, " +
               std::to_string(state.coalesced) + " coalesced, " + std::to_string(state.sent) + " messages");
  }
}

}  // namespace holdover::bench
