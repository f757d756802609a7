// SPDX-License-Identifier: MIT
// The driver of the Holdover endpoint, on the seams System and Device only: the same for a simulation and for a board.
//
// Its state that must survive a kexec lies in a Memory object that the agent preserves (driver_state.h).
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/driver/channel.h"
#include "host/driver/heartbeat.h"
#include "host/system.h"

namespace holdover::host {

struct VectorStatistics {
  std::uint32_t events = 0;
  std::uint32_t coalesced = 0;
  std::uint32_t messages = 0;
  bool pending = false;
};

class EndpointDriver {
 public:
  // Takes the endpoint at rest; one that still moves data for somebody else is reset first. `system`, `device` and
  // `state` outlive the driver. Throws Error{NotFound} where the function is no such endpoint or speaks another
  // register map, Error{InvalidArgument} where `state` is smaller than a page.
  [[nodiscard]] static std::unique_ptr<EndpointDriver> open(System& system, Device& device, Memory& state);
  // Adopts an endpoint that may be running, without a single write to it. `regions` are the memory objects that the
  // old driver was given with add_region(), in the same order. Throws Error{Corrupt} where state, memory or hardware
  // do not agree.
  [[nodiscard]] static std::unique_ptr<EndpointDriver> resume(System& system, Device& device, Memory& state,
                                                              const std::vector<Memory*>& regions);

  [[nodiscard]] unsigned channels() const { return static_cast<unsigned>(channels_.size()); }
  [[nodiscard]] unsigned vectors() const { return vectors_; }
  [[nodiscard]] std::chrono::nanoseconds clocks(std::uint64_t count) const;
  // Clocks in `duration`, rounded down.
  [[nodiscard]] std::uint32_t clocks_in(std::chrono::nanoseconds duration) const;

  // After this an unanswered read is given up. Any function level reset brings the default back.
  void set_completion_timeout(std::chrono::nanoseconds duration);

  // Makes memory that is mapped at `iova` known; returns the region's number. `memory` outlives the driver.
  unsigned add_region(Memory& memory, Iova iova);
  [[nodiscard]] Iova iova(const DmaPlace& place) const;
  [[nodiscard]] std::span<std::byte> bytes(const DmaPlace& place, Bytes size) const;

  void configure(unsigned channel, const ChannelConfig& config);
  void put(unsigned channel, unsigned slot, const DmaDescriptor& descriptor);
  // Whether it ever was, by this driver or the one before.
  [[nodiscard]] bool configured(unsigned channel) const { return channels_[channel].configured(); }
  void start(unsigned channel);
  // Both wait for what is in hand, no longer than `patience` for each stream.
  void stop(unsigned channel, std::chrono::nanoseconds patience = kPatience);
  [[nodiscard]] bool submit(unsigned channel, const DmaDescriptor& descriptor);
  [[nodiscard]] std::optional<DmaCompletion> poll(unsigned channel);
  // Moves `length` bytes between `place` and card memory on a started channel that is neither cyclic nor a pattern
  // channel, and that has nothing else in hand. Throws Error{Unavailable} where no completion comes.
  [[nodiscard]] DmaStatus copy(unsigned channel, const DmaPlace& place, std::uint64_t card_address,
                               std::uint32_t length);

  void start_heartbeat_writer(const HeartbeatConfig& config);
  void start_heartbeat_reader(const HeartbeatConfig& config);
  void stop_heartbeat_writer();
  void stop_heartbeat_reader(std::chrono::nanoseconds patience = kPatience);
  [[nodiscard]] std::optional<HeartbeatRecord> heartbeat(std::uint64_t sequence) const;

  // Vectors 0..count-1, to be taken with take_interrupts(). After resume(): as many as the state says.
  void enable_interrupts(unsigned count);
  void enable_interrupts_again();
  // Until enable_interrupts_again(): events wait inside the endpoint.
  void disable_interrupts() { device_.disable_interrupts(); }
  [[nodiscard]] unsigned interrupt_vectors() const { return state_.vectors; }
  [[nodiscard]] std::uint64_t take_interrupts(unsigned vector);

  // Stops every stream that the state says is running; goes on after a stream that does not stop and throws the first
  // error at the end.
  void stop_all(std::chrono::nanoseconds patience = kPatience);
  // Streams that the state says are running.
  [[nodiscard]] unsigned running_streams() const;

  [[nodiscard]] ChannelStatistics channel_statistics(unsigned channel) const;
  [[nodiscard]] HeartbeatWriterStatistics heartbeat_writer_statistics() const;
  [[nodiscard]] HeartbeatReaderStatistics heartbeat_reader_statistics() const;
  [[nodiscard]] VectorStatistics vector_statistics(unsigned vector) const;

 private:
  EndpointDriver(System& system, Device& device, Memory& state);

  void identify();
  [[nodiscard]] bool at_rest() const;
  [[nodiscard]] DmaRegion region(const DmaPlace& place, Bytes size) const;
  [[nodiscard]] Channel& channel(unsigned index);
  void save();

  System& system_;
  Device& device_;
  Memory& memory_;
  RegisterBlock registers_;
  std::string name_;
  unsigned vectors_ = 0;
  std::uint64_t clock_period_ps_ = 0;
  DriverState state_{};
  std::array<std::span<std::byte>, kMaxRegions> regions_{};
  std::deque<Channel> channels_;
  std::optional<HeartbeatWriter> writer_;
  std::optional<HeartbeatReader> reader_;
};

}  // namespace holdover::host
