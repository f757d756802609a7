// SPDX-License-Identifier: MIT
// One endpoint with everything that its streams need: files, driver, traffic. The agent's unit of work.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/agent/stream_layout.h"
#include "host/driver/endpoint_driver.h"
#include "host/system.h"

namespace holdover::host {

class StageWatch;

class EndpointStreams {
 public:
  // Nothing is open yet. `index` numbers the endpoints of the scenario; `system` outlives the streams. What open() or
  // retrieve() took before it threw stays taken until the streams are destroyed.
  EndpointStreams(System& system, unsigned index) : system_(system), index_(index) {}

  // Opens the function, makes and maps its memory, and programs every stream; nothing runs yet.
  void open(pcie::Bdf bdf);
  // Takes everything out of the session and adopts the running endpoint. Where the old kernel handed no address space
  // over, a new one with the same mappings is attached. `watch` may be null.
  void retrieve(Session& session, StageWatch* watch = nullptr);

  [[nodiscard]] pcie::Bdf bdf() const { return device_->bdf(); }
  [[nodiscard]] std::span<std::byte> state_memory() { return state_->bytes(); }
  // Null before it is open.
  [[nodiscard]] Device* file() { return device_.get(); }
  // All three are there once the endpoint is open or has been retrieved.
  [[nodiscard]] Device& device() { return *device_; }
  [[nodiscard]] EndpointDriver& driver() { return *driver_; }
  [[nodiscard]] const StreamLayout& layout() const { return *layout_; }
  [[nodiscard]] unsigned running_streams() const { return driver_->running_streams(); }

  void start();
  void disable_interrupts() { driver_->disable_interrupts(); }
  void enable_interrupts_again() { driver_->enable_interrupts_again(); }
  // Puts everything into the session; all but the address space where the kernel cannot hand that over. Calls
  // `preserved` after each file.
  void preserve(Session& session, const std::function<void()>& preserved);

  // Counts what arrived since the last call.
  void take_interrupts();
  // All of this life that were taken.
  [[nodiscard]] std::uint64_t interrupts(unsigned vector) const { return interrupts_[vector]; }
  // Throws Error{Unavailable} that names a stream which moved nothing in a time that is long enough.
  void expect_traffic();
  // Waits until every vector in use has interrupted since begin_interrupt_check(); returns how many have not within a
  // bounded time.
  void begin_interrupt_check();
  [[nodiscard]] unsigned silent_vectors();
  // Events of which the endpoint has neither sent nor keeps a message, over all vectors in use.
  [[nodiscard]] std::uint64_t lost_events() const;

  // Throws the first error, after everything that can be stopped has been.
  void stop();
  // What the driver has to say about its streams, line by line.
  [[nodiscard]] std::vector<std::string> summary() const;

 private:
  // What the command line asks for, on this endpoint.
  void lay_out();
  void map(Memory& memory, unsigned region);
  void map(Memory& memory, const StreamLayout& layout, unsigned region, Iova iova);
  // False, and said, where the kernel has no means to hand an address space over.
  [[nodiscard]] bool mark_space();
  // Of the session, or a new one with the mappings that the driver's state names.
  void take_space(Session& session);
  // Bulk channels that the driver has configured, and the vectors of all streams.
  [[nodiscard]] std::vector<unsigned> channels_in_use() const;
  [[nodiscard]] std::vector<unsigned> vectors_in_use() const;
  void program_channel(unsigned channel);

  struct Progress {
    std::array<std::uint64_t, kMaxChannels> completed;
    std::uint64_t written;
    std::uint64_t read;
  };
  [[nodiscard]] Progress progress() const;

  System& system_;
  unsigned index_;
  Traffic traffic_;
  std::optional<StreamLayout> layout_;  // known when the endpoint is open
  std::unique_ptr<Memory> state_;
  std::unique_ptr<Memory> rings_;
  std::unique_ptr<Memory> data_;
  std::unique_ptr<Memory> heartbeat_;
  std::unique_ptr<AddressSpace> space_;
  std::unique_ptr<Device> device_;
  std::unique_ptr<EndpointDriver> driver_;
  std::array<std::uint64_t, kVectorCount> interrupts_{};
  std::array<std::uint64_t, kVectorCount> interrupts_at_check_{};
};

}  // namespace holdover::host
