// SPDX-License-Identifier: MIT
// Every descriptor has one record of its own: in ring order, across the ring's end, on all channels at once, with bus
// mastering taken away in between; and none after a function reset.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "pcie/config_space.h"
#include "pcie/pattern.h"
#include "tests/rtl/channel_driver.h"

namespace holdover::rtl_test {
namespace {

using pcie::Tlp;

constexpr std::uint64_t kBuffers = CoreBench::kLowBase + 0x10'0000;
constexpr unsigned kDeviceControl = 0x78;
constexpr std::uint32_t kInitiateFlr = 0x8000;
constexpr std::uint32_t kCard = 65536;
constexpr std::uint32_t kCardShare = kCard / 8;  // of a channel
constexpr std::uint32_t kHostShare = 0x1'0000;   // of a channel
constexpr std::uint32_t kEntries = 5;            // no power of two
constexpr std::uint32_t kDescriptors = 33;       // six laps and a half
constexpr std::uint32_t kCardSlot = kCardShare / kDescriptors;
constexpr std::uint32_t kHostSlot = kHostShare / kDescriptors;

void fill_random(CoreBench& bench, std::span<std::byte> bytes) {
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(bench.random(256));
}

class CoreRecordSeeds : public ::testing::TestWithParam<std::uint64_t> {};

// Scattered buffers of any alignment and length in shuffled order, posted as the ring has room; odd channels write.
TEST_P(CoreRecordSeeds, ScatteredBuffersMoveWholeAcrossTheRingsEndWithOneRecordEach) {
  const std::uint64_t seed = GetParam();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  BenchConfig config{.seed = seed, .max_latency = seed % 2 == 0 ? 200u : 900u};
  config.max_payload = static_cast<unsigned>(seed % 3);
  config.max_read_request = static_cast<unsigned>(seed % 4);
  CoreBench bench(config);
  const unsigned count = CoreBench::channels();
  const unsigned writes = static_cast<unsigned>(seed % 2);  // with one channel: a seed of each direction
  const auto area = bench.memory(kBuffers, std::size_t{8} * kHostShare);
  fill_random(bench, area);
  std::vector<std::byte> card(kCard);
  fill_random(bench, card);
  bench.fill_card(0, card);
  std::vector<std::byte> host(area.begin(), area.end());

  std::vector<ChannelDriver> channels;
  std::vector<std::vector<host::DmaDescriptor>> lists(count);
  for (unsigned c = 0; c < count; ++c) {
    channels.emplace_back(bench, c, kEntries);
    std::vector<std::uint32_t> order(kDescriptors);
    std::iota(order.begin(), order.end(), 0u);
    for (std::size_t n = order.size(); n > 1; --n) std::swap(order[n - 1], order[bench.random(n)]);
    for (std::uint32_t n = 0; n < kDescriptors; ++n) {
      const auto length = static_cast<std::uint32_t>(1 + bench.random(kCardSlot - 8));
      const std::uint64_t host_offset = kHostShare * c + kHostSlot * order[n] + bench.random(kHostSlot - length);
      const std::uint64_t card_offset = kCardShare * c + kCardSlot * n + bench.random(kCardSlot - length);
      const auto card_at = card.begin() + static_cast<std::ptrdiff_t>(card_offset);
      const auto host_at = host.begin() + static_cast<std::ptrdiff_t>(host_offset);
      if (c % 2 == writes)
        std::copy_n(host_at, length, card_at);
      else
        std::copy_n(card_at, length, host_at);
      lists[c].push_back({.host_address = kBuffers + host_offset,
                          .card_address = card_offset,
                          .length = length,
                          .flags = 0,
                          .cookie = static_cast<std::uint32_t>(bench.random(1ull << 32)),
                          .reserved = 0});
    }
    channels[c].control(kRun | (c % 2 == writes ? 0 : kC2h));
  }

  std::vector<std::uint32_t> posted(count);
  std::vector<std::uint32_t> done(count);
  for (unsigned rounds = 0; *std::ranges::min_element(done) < kDescriptors; ++rounds) {
    ASSERT_LT(rounds, 20'000u) << "a channel does not go on";
    bench.tick(static_cast<unsigned>(1 + bench.random(40)));
    for (unsigned c = 0; c < count; ++c) {
      while (const auto record = channels[c].next()) {
        ASSERT_LT(done[c], posted[c]) << "channel " << c;
        const host::DmaDescriptor& descriptor = lists[c][done[c]];
        EXPECT_EQ(status_of(*record), host::DmaStatus::Ok);
        EXPECT_EQ(record->sequence, done[c]);
        EXPECT_EQ(record->cookie, descriptor.cookie);
        EXPECT_EQ(record->length, descriptor.length);
        EXPECT_EQ((record->status >> 8) & 0xf, c);
        ++done[c];
      }
      const std::uint32_t room = std::min(kEntries - (posted[c] - done[c]), kDescriptors - posted[c]);
      if (room == 0 || bench.random(4) == 0) continue;
      for (auto n = static_cast<std::uint32_t>(1 + bench.random(room)); n > 0; --n)
        channels[c].put(lists[c][posted[c]++]);
      channels[c].ring();
    }
  }
  bench.tick(500);
  for (unsigned c = 0; c < count; ++c) EXPECT_TRUE(channels[c].is_idle()) << "channel " << c;
  EXPECT_TRUE(std::ranges::equal(host, area)) << "host memory";
  EXPECT_EQ(card, bench.card(0, kCard)) << "card memory";
}

INSTANTIATE_TEST_SUITE_P(Seeds, CoreRecordSeeds, ::testing::Range<std::uint64_t>(1, 7));

void start_all(CoreBench& bench, std::vector<ChannelDriver>& channels, std::uint32_t entries) {
  for (unsigned c = 0; c < CoreBench::channels(); ++c) {
    channels.emplace_back(bench, c, entries);
    pcie::fill_pattern(bench.memory(kBuffers + kHostShare * c, std::size_t{entries} * 1000), channels[c].seed(), 0, 0);
    for (std::uint32_t n = 0; n < entries; ++n) {
      channels[c].put({.host_address = kBuffers + kHostShare * c + 1000 * n,
                       .card_address = 1000 * n,
                       .length = 1000,
                       .flags = 0,
                       .cookie = n,
                       .reserved = 0});
    }
    channels[c].ring();
    channels[c].control(kRun | kPattern | (c % 2 == 0 ? 0 : kC2h));
  }
}

TEST(CoreRecord, BusMasterOffDelaysRecordsAndFailsNone) {
  CoreBench bench({.seed = 102, .max_latency = 400});
  constexpr std::uint32_t kCount = 24;
  std::vector<ChannelDriver> channels;
  start_all(bench, channels, kCount);
  std::uint64_t requests = 0;
  bench.on_request = [&](const Tlp&) { ++requests; };
  for (int round = 0; round < 10; ++round) {
    bench.tick(static_cast<unsigned>(50 + bench.random(200)));
    bench.set_bus_master(false);
    bench.tick(static_cast<unsigned>(10 + 512 / CoreBench::beat_bytes()));  // what has begun ends
    const std::uint64_t before = requests;
    bench.tick(static_cast<unsigned>(bench.random(1000)));
    EXPECT_EQ(requests, before);
    bench.set_bus_master(true);
  }
  for (unsigned c = 0; c < CoreBench::channels(); ++c) {
    for (std::uint32_t n = 0; n < kCount; ++n) {
      const auto record = channels[c].wait();
      ASSERT_TRUE(record.has_value()) << "channel " << c << " record " << n;
      EXPECT_EQ(status_of(*record), host::DmaStatus::Ok);
      EXPECT_EQ(record->sequence, n);
      EXPECT_EQ(record->length, 1000u);
    }
    EXPECT_EQ(bench.read(channel_regs::mismatches(c)), 0u);
    EXPECT_EQ(bench.read64(channel_regs::bytes_lo(c)), kCount * 1000u);
  }
}

TEST(CoreRecord, AFunctionResetWritesNoRecordAndTheNextRunBeginsAtZero) {
  for (std::uint64_t seed = 103; seed < 107; ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    CoreBench bench({.seed = seed, .max_latency = 600});
    constexpr std::uint32_t kCount = 24;
    {
      std::vector<ChannelDriver> channels;
      start_all(bench, channels, kCount);
      bench.tick(static_cast<unsigned>(200 + bench.random(1500)));
    }
    bench.config_write(kDeviceControl, kInitiateFlr, 0x3);
    ASSERT_TRUE(bench.run_until([&] { return bench.config_read(pcie::config::kVendorId) == 0x1234u; }, 10'000));
    bench.configure();
    for (unsigned c = 0; c < CoreBench::channels(); ++c) {
      std::ranges::fill(bench.memory(CoreBench::kHighBase + 0x10000 * c + 0x8000, 16 * kCount), std::byte{0});
    }
    std::uint64_t requests = 0;
    bench.on_request = [&](const Tlp&) { ++requests; };
    bench.tick(5000);
    EXPECT_EQ(requests, 0u) << "something from before the reset";

    std::vector<ChannelDriver> channels;
    start_all(bench, channels, kCount);
    for (unsigned c = 0; c < CoreBench::channels(); ++c) {
      for (std::uint32_t n = 0; n < kCount; ++n) {
        const auto record = channels[c].wait();
        ASSERT_TRUE(record.has_value()) << "channel " << c << " record " << n;
        EXPECT_EQ(status_of(*record), host::DmaStatus::Ok);
        EXPECT_EQ(record->sequence, n);
      }
      EXPECT_EQ(bench.read(channel_regs::mismatches(c)), 0u);
    }
  }
}

}  // namespace
}  // namespace holdover::rtl_test
