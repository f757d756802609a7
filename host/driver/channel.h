// SPDX-License-Identifier: MIT
// One DMA channel of the endpoint. All that must survive a kexec is in the ChannelState it works on.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "host/device/register_block.h"
#include "host/driver/descriptor_ring.h"
#include "host/driver/dma_abi.h"
#include "host/driver/dma_region.h"
#include "host/driver/driver_state.h"

namespace holdover::host {

// Lets simulated or real time pass.
using Wait = std::function<void(std::chrono::nanoseconds)>;

// How often the driver looks for an answer, and how long, unless told otherwise, before it gives up.
inline constexpr std::chrono::nanoseconds kLookInterval{2000};
inline constexpr std::chrono::nanoseconds kPatience{400'000};

struct ChannelConfig {
  enum class Direction { HostToCard, CardToHost };
  Direction direction = Direction::CardToHost;
  bool cyclic = false;
  bool pattern = false;  // generator or checker in place of card memory
  std::uint32_t seed = 0;
  unsigned entries = 0;
  DmaPlace descriptors{};  // 64-byte aligned
  DmaPlace completions{};  // 64-byte aligned
  std::optional<unsigned> vector;
  unsigned moderation = 1;  // completions per event
};

struct ChannelStatistics {
  bool running = false;
  bool idle = false;
  bool stopped = false;
  DmaStatus error = DmaStatus::Ok;
  std::uint64_t completed = 0;
  std::uint64_t bytes = 0;
  std::uint64_t checked = 0;
  std::uint32_t mismatches = 0;
};

class Channel {
 public:
  // A channel that was never configured, or, where `state` says so, one that may be running: nothing is written.
  // `name` is for error sentences; registers and state outlive the channel.
  Channel(RegisterBlock& registers, unsigned index, ChannelState& state, std::string name, Wait wait);

  // Resets the channel and programs it. Throws Error{Unavailable} where the reset does not end.
  void configure(const ChannelConfig& config, const DmaRegion& descriptors, const DmaRegion& completions);
  // Finds the rings of a configured channel again. Throws Error{Corrupt} where the hardware uses other rings.
  void adopt(const DmaRegion& descriptors, const DmaRegion& completions);

  [[nodiscard]] bool configured() const { return state_.entries != 0; }
  // For cyclic rings, while the channel is idle.
  void put(unsigned slot, const DmaDescriptor& descriptor);
  void start();
  // Clears RUN and waits until the channel is idle, as descriptors in hand are moved to their end, for which `patience`
  // leaves time. Throws Error{Unavailable} where it does not become idle.
  void stop(std::chrono::nanoseconds patience = kPatience);

  // Makes a descriptor ready and rings the doorbell; false where the ring is full.
  [[nodiscard]] bool submit(const DmaDescriptor& descriptor);
  // The next completion record, nothing where there is none yet.
  [[nodiscard]] std::optional<DmaCompletion> poll();

  [[nodiscard]] ChannelStatistics statistics() const;

 private:
  void wait_until(std::uint32_t offset, regs::Field field, std::uint32_t value, const char* what,
                  std::chrono::nanoseconds patience = kPatience);

  RegisterBlock& registers_;
  unsigned index_;
  ChannelState& state_;
  std::string name_;
  Wait wait_;
  std::optional<DescriptorRing> descriptors_;
  std::optional<CompletionRing> completions_;
};

}  // namespace holdover::host
