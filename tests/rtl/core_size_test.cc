// SPDX-License-Identifier: MIT
// What an endpoint says about its own size, and that there is nothing beyond it.
#include <gtest/gtest.h>

#include "pcie/pattern.h"
#include "tests/rtl/channel_driver.h"

namespace holdover::rtl_test {
namespace {

namespace global = host::regs::global;

constexpr std::uint64_t kBuffers = CoreBench::kLowBase + 0x10'0000;

TEST(CoreSize, RegistersTellWidthAndChannels) {
  CoreBench bench({.seed = 81});
  const std::uint32_t capabilities = bench.read(global::kCapabilities);
  EXPECT_EQ(global::kCapabilitiesChannels.extract(capabilities), CoreBench::channels());
  EXPECT_EQ(global::kCapabilitiesDataBytes.extract(capabilities), CoreBench::beat_bytes());
}

TEST(CoreSize, ChannelsThatAreNotThereReadZeroAndDoNothing) {
  CoreBench bench({.seed = 82});
  for (unsigned c = CoreBench::channels(); c < 8; ++c) {
    ChannelDriver absent(bench, c, 4);
    absent.put({.host_address = kBuffers, .card_address = 0, .length = 64, .flags = 0, .cookie = 1, .reserved = 0});
    absent.ring();
    absent.control(kRun | kC2h | kPattern);
    EXPECT_EQ(bench.read(channel_regs::control(c)), 0u) << c;
    EXPECT_EQ(bench.read(channel_regs::status(c)), 0u) << c;
    EXPECT_EQ(bench.read(channel_regs::ring_entries(c)), 0u) << c;
  }
  bench.tick(2000);
  EXPECT_EQ(bench.request_beats, 0u);
}

TEST(CoreSize, EveryChannelMovesItsOwnBytesAndRaisesItsOwnVector) {
  CoreBench bench({.seed = 83});
  const unsigned count = CoreBench::channels();
  bench.config_write(0x50, 0x8000'0000, 0xc);
  std::vector<ChannelDriver> channels;
  for (unsigned c = 0; c < count; ++c) {
    channels.emplace_back(bench, c, 3);
    bench.write(channel_regs::vector(c), 31 - c);
    for (std::uint32_t n = 0; n < 3; ++n) {
      channels[c].put({.host_address = kBuffers + 0x1000 * c + 100 * n + 1,
                       .card_address = 100 * n,
                       .length = 100,
                       .flags = 0,
                       .cookie = 16 * c + n,
                       .reserved = 0});
    }
    channels[c].ring();
  }
  for (auto& channel : channels) channel.control(kRun | kC2h | kPattern | kInterrupt);
  for (unsigned c = 0; c < count; ++c) {
    for (std::uint32_t n = 0; n < 3; ++n) {
      const auto record = channels[c].wait();
      ASSERT_TRUE(record.has_value()) << c;
      EXPECT_EQ(record->cookie, 16 * c + n);
      EXPECT_EQ((record->status >> 8) & 0xf, c);
    }
    EXPECT_EQ(pcie::first_mismatch(bench.memory(kBuffers + 0x1000 * c + 1, 300), channels[c].seed(), 0, 0), 300u);
  }
  bench.tick(500);
  std::vector<unsigned> raised(32);
  for (const auto& [vector, clock] : bench.events) ++raised[vector];
  for (unsigned v = 0; v < 32; ++v) EXPECT_EQ(raised[v], v > 31 - count ? 3u : 0u) << "vector " << v;
}

}  // namespace
}  // namespace holdover::rtl_test
