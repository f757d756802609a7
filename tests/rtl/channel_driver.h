// SPDX-License-Identifier: MIT
// One DMA channel as a test sees it: rings in host memory, descriptors in, records out.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "host/driver/dma_abi.h"
#include "host/driver/endpoint_regs.h"
#include "tests/rtl/core_bench.h"

namespace holdover::rtl_test {

namespace channel_regs = host::regs::channel;

class ChannelDriver {
 public:
  // Rings lie below 1 MiB of the high window, 64 KiB per channel.
  ChannelDriver(CoreBench& bench, unsigned channel, std::uint32_t entries)
      : bench_(bench),
        channel_(channel),
        entries_(entries),
        ring_(CoreBench::kHighBase + 0x10000 * channel),
        completions_(ring_ + 0x8000) {
    bench.write64(channel_regs::ring_base_lo(channel), ring_);
    bench.write(channel_regs::ring_entries(channel), entries);
    bench.write64(channel_regs::completion_base_lo(channel), completions_);
    bench.write(channel_regs::seed(channel), seed());
  }

  [[nodiscard]] std::uint32_t seed() const { return 0x1234'5678u + channel_; }

  void put(const host::DmaDescriptor& descriptor) {
    bench_.store(ring_ + sizeof(descriptor) * (tail_ % entries_), descriptor);
    ++tail_;
  }
  void ring() { bench_.write(channel_regs::tail(channel_), tail_); }
  void control(std::uint32_t value) { bench_.write(channel_regs::control(channel_), value); }
  [[nodiscard]] std::uint32_t status() { return bench_.read(channel_regs::status(channel_)); }

  // The next record; nothing while it has not come.
  [[nodiscard]] std::optional<host::DmaCompletion> next() {
    const auto record =
        bench_.load<host::DmaCompletion>(completions_ + sizeof(host::DmaCompletion) * (head_ % entries_));
    const bool phase = (record.status & host::kCompletionPhase) != 0;
    if (phase != ((head_ / entries_) % 2 == 0)) return std::nullopt;
    ++head_;
    return record;
  }
  [[nodiscard]] std::optional<host::DmaCompletion> wait(unsigned clocks = 100'000) {
    std::optional<host::DmaCompletion> record;
    (void)bench_.run_until([&] { return (record = next()).has_value(); }, clocks);
    return record;
  }
  void reset() {
    control(channel_regs::kControlReset.mask());
    head_ = 0;
    tail_ = 0;
    std::ranges::fill(bench_.memory(completions_, sizeof(host::DmaCompletion) * entries_), std::byte{0});
  }
  [[nodiscard]] bool is_idle() { return (status() & channel_regs::kStatusIdle.mask()) != 0; }

 private:
  CoreBench& bench_;
  unsigned channel_;
  std::uint32_t entries_;
  std::uint64_t ring_;
  std::uint64_t completions_;
  std::uint32_t head_ = 0;
  std::uint32_t tail_ = 0;
};

[[nodiscard]] inline host::DmaStatus status_of(const host::DmaCompletion& record) {
  return static_cast<host::DmaStatus>(record.status & 0xff);
}

// The test ends here where the endpoint has fewer channels.
#define HOLDOVER_NEEDS_CHANNELS(count) \
  if (CoreBench::channels() < (count)) \
  GTEST_SKIP() << "it needs " << (count) << " channels, and this endpoint has " << CoreBench::channels()

inline constexpr std::uint32_t kRun = channel_regs::kControlRun.mask();
inline constexpr std::uint32_t kC2h = channel_regs::kControlC2h.mask();
inline constexpr std::uint32_t kCyclic = channel_regs::kControlCyclic.mask();
inline constexpr std::uint32_t kPattern = channel_regs::kControlPattern.mask();
inline constexpr std::uint32_t kInterrupt = channel_regs::kControlInterrupt.mask();

}  // namespace holdover::rtl_test
