// SPDX-License-Identifier: MIT
// Interrupts of one endpoint, per vector: every event inside the endpoint becomes a message, or joins one that is
// pending; every message that leaves arrives once, in order, and is taken.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "bench/ledger/endpoint_registers.h"
#include "bench/ledger/evidence.h"
#include "bench/ledger/scene.h"
#include "pcie/tlp.h"

namespace holdover::bench {

class InterruptLedger {
 public:
  static constexpr unsigned kVectors = 32;
  struct Vector {
    std::uint64_t events = 0;
    std::uint64_t coalesced = 0;
    std::uint64_t sent = 0;
    std::uint64_t arrived = 0;
    Time waiting;          // since when an event has been without its message while nothing held it
    bool overdue = false;  // reported
    bool masked = true;    // in its entry of the table
    Time masking_changed;  // when that last changed
  };

  InterruptLedger(unsigned endpoint, const Scene& scene, Evidence& evidence);

  void on_event(Time time, unsigned vector, bool coalesced);
  // Whether the write went to the message window; if so it has been judged.
  bool on_transmit(Time time, const pcie::Tlp& tlp, const EndpointRegisters& registers);
  void on_message(Time time, std::uint64_t address, std::uint32_t data, sim::MessageOutcome outcome);
  // A register of the endpoint was written; the masks of the table matter.
  void on_register_write(Time time, EndpointRegisters::Write write);
  // Whether MSI-X is enabled and not masked as a whole; called when it may have changed.
  void on_enable(Time time, bool deliverable);
  // The window opens; what can fire now must be able to fire again when it closes.
  void open_window(const EndpointRegisters& registers);
  void close_window(Time time, const EndpointRegisters& registers);
  // The run is over.
  void on_end(Time time, const EndpointRegisters& registers);

  [[nodiscard]] const std::array<Vector, kVectors>& vectors() const { return vectors_; }

 private:
  struct Message {
    unsigned vector = 0;
    std::uint64_t address = 0;
    std::uint32_t data = 0;
  };

  // Vectors that can fire now.
  [[nodiscard]] std::uint32_t live(const EndpointRegisters& registers) const;
  [[nodiscard]] std::uint64_t outstanding(const Vector& vector) const {
    const std::uint64_t answered = vector.coalesced + vector.sent;
    return vector.events > answered ? vector.events - answered : 0;
  }
  // Reports, once per vector, that more events are without a message than can be under way.
  void overdue(Time time, unsigned vector);
  void report(Time time, Time since, std::string sentence);
  [[nodiscard]] std::string name(unsigned vector) const;

  unsigned endpoint_;
  const Scene& scene_;
  Evidence& evidence_;
  std::array<Vector, kVectors> vectors_{};
  std::deque<Message> in_flight_;
  bool deliverable_ = false;
  std::uint32_t live_ = 0;  // vectors that could fire when the window opened
  Time changed_;            // when deliverable_ last changed
};

}  // namespace holdover::bench
