// SPDX-License-Identifier: MIT
// Streams through the whole endpoint: cyclic rings, generator and checker, bus mastering that goes and comes back,
// resets, pace.
#include <gtest/gtest.h>

#include <algorithm>

#include "pcie/config_space.h"
#include "pcie/pattern.h"
#include "tests/rtl/channel_driver.h"

namespace holdover::rtl_test {
namespace {

using pcie::Tlp;
using pcie::TlpKind;

constexpr std::uint64_t kBuffers = CoreBench::kLowBase + 0x10'0000;

// Buffers of a channel in a row, one descriptor each.
void put_stream(ChannelDriver& channel, std::uint64_t base, unsigned count, std::uint32_t bytes) {
  for (unsigned n = 0; n < count; ++n) {
    channel.put({.host_address = base + std::uint64_t{n} * bytes,
                 .card_address = std::uint64_t{n} * bytes,
                 .length = bytes,
                 .flags = 0,
                 .cookie = n,
                 .reserved = 0});
  }
}

std::uint32_t lap_of(std::uint32_t record, std::uint32_t entries) { return record / entries; }

TEST(CoreStream, GeneratorBytesTellStreamLapAndOffset) {
  CoreBench bench({.seed = 21});
  const unsigned last = CoreBench::channels() - 1;
  ChannelDriver channel(bench, last, 4);
  constexpr std::uint32_t kBytes = 1000;
  put_stream(channel, kBuffers + 3, 4, kBytes);
  channel.control(kRun | kC2h | kCyclic | kPattern);

  for (std::uint32_t n = 0; n < 40; ++n) {
    const auto record = channel.wait();
    ASSERT_TRUE(record.has_value()) << n;
    EXPECT_EQ(record->sequence, n);
    EXPECT_EQ(record->cookie, n % 4);
  }
  channel.control(kC2h | kCyclic | kPattern);
  ASSERT_TRUE(bench.run_until([&] { return channel.is_idle(); }, 200));

  // The last lap of each buffer.
  const auto completed = static_cast<std::uint32_t>(bench.read64(channel_regs::completed_lo(last)));
  EXPECT_GE(completed, 40u);
  EXPECT_EQ(bench.read64(channel_regs::bytes_lo(last)), std::uint64_t{completed} * kBytes);
  for (std::uint32_t n = completed - 4; n < completed; ++n) {
    const std::uint32_t slot = n % 4;
    EXPECT_EQ(pcie::first_mismatch(bench.memory(kBuffers + 3 + slot * kBytes, kBytes), channel.seed(), lap_of(n, 4),
                                   std::uint64_t{slot} * kBytes),
              kBytes)
        << "record " << n;
  }
}

TEST(CoreStream, CheckerCountsEveryByteAndEveryWrongOne) {
  CoreBench bench({.seed = 22, .max_latency = 600});
  const unsigned last = CoreBench::channels() - 1;
  ChannelDriver channel(bench, last, 8);
  constexpr std::uint32_t kBytes = 777;
  for (std::uint32_t n = 0; n < 8; ++n) {
    pcie::fill_pattern(bench.memory(kBuffers + 1 + n * kBytes, kBytes), channel.seed(), 0, std::uint64_t{n} * kBytes);
  }
  auto wrong = bench.memory(kBuffers + 1 + 1000, 2);
  wrong[0] ^= std::byte{1};
  wrong[1] ^= std::byte{0x80};
  put_stream(channel, kBuffers + 1, 8, kBytes);
  channel.control(kRun | kPattern);
  channel.ring();
  for (int n = 0; n < 8; ++n) ASSERT_TRUE(channel.wait().has_value());

  EXPECT_EQ(bench.read64(channel_regs::checked_lo(last)), 8u * kBytes);
  EXPECT_EQ(bench.read(channel_regs::mismatches(last)), 2u);
}

TEST(CoreStream, CheckerComparesWithLapZeroForEver) {
  CoreBench bench({.seed = 23});
  ChannelDriver channel(bench, 0, 3);
  constexpr std::uint32_t kBytes = 2048;
  pcie::fill_pattern(bench.memory(kBuffers, 3 * kBytes), channel.seed(), 0, 0);
  put_stream(channel, kBuffers, 3, kBytes);
  channel.control(kRun | kPattern | kCyclic);
  for (int n = 0; n < 30; ++n) ASSERT_TRUE(channel.wait().has_value());
  EXPECT_EQ(bench.read(channel_regs::mismatches(0)), 0u);
  EXPECT_GE(bench.read64(channel_regs::checked_lo(0)), 30u * kBytes);
}

// The pattern is a stream of its own: its offsets count on where card memory would begin again.
TEST(CoreStream, PatternOffsetsDoNotWrapAtCardMemory) {
  HOLDOVER_NEEDS_CHANNELS(2);
  CoreBench bench({.seed = 25});
  constexpr std::uint32_t kBytes = 300;
  constexpr std::uint64_t kOffsets[] = {(std::uint64_t{1} << 20) - 7, (std::uint64_t{1} << 32) - 1, 0x2'0000'0005};
  ChannelDriver up(bench, 0, 4);
  ChannelDriver down(bench, 1, 4);
  std::uint64_t at = kBuffers;
  for (const std::uint64_t offset : kOffsets) {
    up.put({.host_address = at, .card_address = offset, .length = kBytes, .flags = 0, .cookie = 0, .reserved = 0});
    at += 0x1000;
    pcie::fill_pattern(bench.memory(at, kBytes), down.seed(), 0, offset);
    down.put({.host_address = at, .card_address = offset, .length = kBytes, .flags = 0, .cookie = 0, .reserved = 0});
    at += 0x1000;
  }
  up.control(kRun | kC2h | kPattern);
  up.ring();
  down.control(kRun | kPattern);
  down.ring();
  for (unsigned n = 0; n < std::size(kOffsets); ++n) {
    ASSERT_TRUE(up.wait().has_value());
    ASSERT_TRUE(down.wait().has_value());
    EXPECT_EQ(pcie::first_mismatch(bench.memory(kBuffers + 0x2000 * n, kBytes), up.seed(), 0, kOffsets[n]), kBytes)
        << "offset " << kOffsets[n];
  }
  EXPECT_EQ(bench.read64(channel_regs::checked_lo(1)), std::size(kOffsets) * kBytes);
  EXPECT_EQ(bench.read(channel_regs::mismatches(1)), 0u);
}

TEST(CoreStream, BusMasterOffLosesAndDoublesNothing) {
  HOLDOVER_NEEDS_CHANNELS(2);
  CoreBench bench({.seed = 24, .tx_ready_percent = 80});
  ChannelDriver up(bench, 0, 4);
  ChannelDriver down(bench, 1, 4);
  constexpr std::uint32_t kBytes = 4000;
  put_stream(up, kBuffers + 2, 4, kBytes);
  pcie::fill_pattern(bench.memory(kBuffers + 0x10000, 4 * kBytes), down.seed(), 0, 0);
  put_stream(down, kBuffers + 0x10000, 4, kBytes);
  // Every byte that the generator writes is written once per lap: addresses follow each other.
  std::uint64_t written = 0;
  bench.on_request = [&](const Tlp& tlp) {
    if (tlp.kind != TlpKind::MemoryWrite || tlp.address < kBuffers || tlp.address >= kBuffers + 0x10000) return;
    EXPECT_EQ(pcie::first_byte_address(tlp), kBuffers + 2 + written % (4 * kBytes));
    const auto bytes = pcie::enabled_bytes(tlp).count();
    const auto lap = static_cast<std::uint32_t>(written / (4 * kBytes));
    const std::span<const std::byte> payload = std::span(tlp.payload).subspan(pcie::first_byte_address(tlp) & 3, bytes);
    EXPECT_EQ(pcie::first_mismatch(payload, up.seed(), lap, written % (4 * kBytes)), bytes);
    written += bytes;
  };
  up.control(kRun | kC2h | kPattern | kCyclic);
  down.control(kRun | kPattern | kCyclic);
  for (int n = 0; n < 12; ++n) {
    bench.tick(static_cast<unsigned>(200 + bench.random(400)));
    bench.set_bus_master(false);
    const std::uint64_t before = written;
    bench.tick(static_cast<unsigned>(100 + bench.random(600)));
    bench.set_bus_master(true);
    EXPECT_LE(written - before, 256u);
  }
  bench.tick(4000);
  EXPECT_GT(written, 8u * kBytes);
  EXPECT_EQ(bench.read(channel_regs::mismatches(1)), 0u);
  EXPECT_GT(bench.read64(channel_regs::checked_lo(1)), 8u * kBytes);
  EXPECT_EQ(up.status() & channel_regs::kStatusStopped.mask(), 0u);
  EXPECT_EQ(down.status() & channel_regs::kStatusStopped.mask(), 0u);
}

TEST(CoreStream, BusMasterOffForLongerThanTheTimeOutTimesNothingOut) {
  CoreBench bench({.seed = 25});
  bench.write(host::regs::global::kCompletionTimeout, 8000);
  ChannelDriver down(bench, 0, 4);
  pcie::fill_pattern(bench.memory(kBuffers, 4 * 4096), down.seed(), 0, 0);
  put_stream(down, kBuffers, 4, 4096);
  down.control(kRun | kPattern | kCyclic);
  bench.tick(500);
  bench.set_bus_master(false);
  bench.tick(20'000);
  bench.set_bus_master(true);
  const std::uint64_t checked = bench.read64(channel_regs::checked_lo(0));
  bench.tick(3000);
  EXPECT_EQ(down.status() & channel_regs::kStatusStopped.mask(), 0u);
  EXPECT_GT(bench.read64(channel_regs::checked_lo(0)), checked + 4096);
}

TEST(CoreStream, RunZeroFinishesTheDescriptorsInHandAndRunOneGoesOn) {
  CoreBench bench({.seed = 26});
  const unsigned last = CoreBench::channels() - 1;
  ChannelDriver channel(bench, last, 5);
  put_stream(channel, kBuffers, 5, 600);
  for (int n = 0; n < 20; ++n) {
    channel.control(kRun | kC2h | kPattern | kCyclic);
    bench.tick(static_cast<unsigned>(bench.random(500)));
    channel.control(kC2h | kPattern | kCyclic);
    ASSERT_TRUE(bench.run_until([&] { return channel.is_idle(); }, 2000));
  }
  const auto completed = static_cast<std::uint32_t>(bench.read64(channel_regs::completed_lo(last)));
  ASSERT_GT(completed, 10u);
  for (std::uint32_t n = completed - 5; n < completed; ++n) {
    EXPECT_EQ(pcie::first_mismatch(bench.memory(kBuffers + (n % 5) * 600, 600), channel.seed(), n / 5, (n % 5) * 600),
              600u);
  }
  const std::uint64_t beats = bench.request_beats;
  bench.tick(2000);
  EXPECT_EQ(bench.request_beats, beats) << "an idle channel sent something";
}

TEST(CoreStream, ResetDropsWhatIsInHandAndTheChannelWorksAnew) {
  for (const bool bus_master : {true, false}) {
    for (const std::uint32_t direction : {std::uint32_t{0}, kC2h}) {
      CoreBench bench({.seed = 27, .max_latency = 500});
      ChannelDriver channel(bench, 0, 4);
      put_stream(channel, kBuffers, 4, 3000);
      channel.control(kRun | kPattern | kCyclic | direction);
      bench.tick(777);
      bench.set_bus_master(bus_master);
      channel.reset();
      ASSERT_TRUE(bench.run_until(
          [&] { return (bench.read(channel_regs::control(0)) & channel_regs::kControlReset.mask()) == 0; }, 200));
      bench.set_bus_master(true);
      EXPECT_EQ(bench.read64(channel_regs::completed_lo(0)), 0u);
      EXPECT_EQ(bench.read64(channel_regs::checked_lo(0)), 0u);
      EXPECT_TRUE(channel.is_idle());
      put_stream(channel, kBuffers, 4, 100);
      channel.ring();
      channel.control(kRun | kPattern | direction);
      for (std::uint32_t n = 0; n < 4; ++n) {
        const auto record = channel.wait();
        ASSERT_TRUE(record.has_value());
        EXPECT_EQ(record->sequence, n);
      }
      EXPECT_EQ(bench.read64(channel_regs::bytes_lo(0)), 400u);
    }
  }
}

TEST(CoreStream, FunctionResetEndsPacketsWipesAndForgets) {
  HOLDOVER_NEEDS_CHANNELS(2);
  CoreBench bench({.seed = 28, .tx_ready_percent = 70});
  ChannelDriver up(bench, 0, 4);
  ChannelDriver down(bench, 1, 4);
  put_stream(up, kBuffers, 4, 3000);
  put_stream(down, kBuffers + 0x10000, 4, 3000);
  std::ranges::fill(bench.memory(kBuffers + 0x10000, 12000), std::byte{0x5a});
  up.control(kRun | kC2h | kPattern | kCyclic);
  down.control(kRun | kCyclic);
  bench.tick(1500);
  bench.config_write(0x78, 0x8000 | (1u << 5) | (2u << 12) | 0x100, 0x3);  // Initiate Function Level Reset
  ASSERT_TRUE(bench.run_until([&] { return bench.config_read(pcie::config::kVendorId) == 0x1234u; }, 10'000));
  EXPECT_EQ(bench.config_read(pcie::config::kCommand) & 0xffff, 0u);
  bench.tick(1000);
  const std::uint64_t beats = bench.request_beats;
  bench.tick(500);
  EXPECT_EQ(bench.request_beats, beats);

  bench.configure();
  const auto card = bench.card(0, 65536);
  EXPECT_TRUE(std::ranges::all_of(card, [](std::byte byte) { return byte == std::byte{0}; }));
  ChannelDriver again(bench, 1, 4);
  pcie::fill_pattern(bench.memory(kBuffers, 4096), again.seed(), 0, 0);
  again.put({.host_address = kBuffers, .card_address = 0, .length = 4096, .flags = 0, .cookie = 7, .reserved = 0});
  std::ranges::fill(bench.memory(CoreBench::kHighBase + 0x18000, 64), std::byte{0});
  again.ring();
  again.control(kRun | kPattern);
  const auto record = again.wait();
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(status_of(*record), host::DmaStatus::Ok);
  EXPECT_EQ(bench.read(channel_regs::mismatches(1)), 0u);
}

TEST(CoreStream, TagsForgottenByAFunctionResetComeBackWithTheirLateCompletions) {
  BenchConfig config{.seed = 32, .min_latency = 300, .max_latency = 5000, .max_read_request = 0, .extended_tag = false};
  CoreBench bench(config);
  ChannelDriver channel(bench, 0, 8);
  channel.put(
      {.host_address = kBuffers, .card_address = 0, .length = 1u << 20, .flags = 0, .cookie = 0, .reserved = 0});
  channel.ring();
  channel.control(kRun);
  ASSERT_TRUE(bench.run_until([&] { return bench.largest_outstanding == 32; }, 20000));
  bench.config_write(0x78, 0x8000, 0x3);
  bench.configure();
  const std::uint64_t start = bench.now;
  ChannelDriver again(bench, 0, 8);
  std::ranges::fill(bench.memory(CoreBench::kHighBase + 0x8000, 64), std::byte{0});
  again.put({.host_address = kBuffers, .card_address = 0, .length = 8192, .flags = 0, .cookie = 7, .reserved = 0});
  again.ring();
  again.control(kRun);
  const auto record = again.wait();
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(status_of(*record), host::DmaStatus::Ok);
  EXPECT_LE(bench.now - start, 20'000u);  // far below the time-out of 250 000 clocks
}

TEST(CoreStream, ConventionalResetCutsEverythingOffAndTheEndpointWorksAnew) {
  HOLDOVER_NEEDS_CHANNELS(2);
  CoreBench bench({.seed = 33, .sent_latency = 200, .tx_ready_percent = 60});
  for (int round = 0; round < 3; ++round) {
    ChannelDriver up(bench, 0, 4);
    ChannelDriver down(bench, 1, 4);
    for (unsigned c = 0; c < 2; ++c) {
      std::ranges::fill(bench.memory(CoreBench::kHighBase + 0x10000 * c + 0x8000, 64), std::byte{0});
    }
    pcie::fill_pattern(bench.memory(kBuffers + 0x10000, 12000), down.seed(), 0, 0);
    put_stream(up, kBuffers, 4, 3000);
    put_stream(down, kBuffers + 0x10000, 4, 3000);
    up.control(kRun | kC2h | kPattern | kCyclic);
    down.control(kRun | kPattern | kCyclic);
    for (int n = 0; n < 6; ++n) {
      ASSERT_TRUE(up.wait().has_value());
      ASSERT_TRUE(down.wait().has_value());
    }
    EXPECT_EQ(bench.read(channel_regs::mismatches(1)), 0u);
    EXPECT_GE(bench.read64(channel_regs::completed_lo(0)), 6u);
    bench.tick(static_cast<unsigned>(bench.random(300)));
    bench.hot_reset(static_cast<unsigned>(1 + bench.random(3000)));
    const std::uint64_t beats = bench.request_beats;
    bench.tick(3000);
    EXPECT_EQ(bench.request_beats, beats);
    bench.configure();
  }
}

TEST(CoreStream, ThousandsOfShortDescriptorsOfAllChannelsStayInOrder) {
  CoreBench bench({.seed = 29, .max_latency = 300});
  const unsigned count = CoreBench::channels();
  std::vector<ChannelDriver> channels;
  for (unsigned c = 0; c < count; ++c) {
    channels.emplace_back(bench, c, 7 + c);
    if (c % 2 == 0) {
      for (std::uint32_t n = 0; n < 7 + c; ++n) {
        pcie::fill_pattern(bench.memory(kBuffers + 0x10000 * c + n * 96, 96), channels[c].seed(), 0, n * 96);
      }
    }
    put_stream(channels[c], kBuffers + 0x10000 * c, 7 + c, 96);
  }
  for (unsigned c = 0; c < count; ++c) channels[c].control(kRun | kPattern | kCyclic | (c % 2 ? kC2h : 0));
  const auto rounds_done = [&] {
    bench.tick(500);
    for (unsigned c = 0; c < count; ++c) {
      if (bench.read64(channel_regs::completed_lo(c)) <= 2000 / count) return false;
    }
    return true;
  };
  ASSERT_TRUE(bench.run_until(rounds_done, 1000));
  for (unsigned c = 0; c < count; ++c) {
    channels[c].control(kPattern | kCyclic | (c % 2 ? kC2h : 0));
    ASSERT_TRUE(bench.run_until([&] { return channels[c].is_idle(); }, 2000));
    const auto completed = static_cast<std::uint32_t>(bench.read64(channel_regs::completed_lo(c)));
    EXPECT_GT(completed, 2000 / count) << c;
    EXPECT_EQ(bench.read(channel_regs::mismatches(c)), 0u);
    // The ring holds the latest records, each in its slot with its phase.
    for (std::uint32_t n = completed - (7 + c); n < completed; ++n) {
      const auto record =
          bench.load<host::DmaCompletion>(CoreBench::kHighBase + 0x10000 * c + 0x8000 + 16 * (n % (7 + c)));
      EXPECT_EQ(record.sequence, n);
      EXPECT_EQ(record.cookie, n % (7 + c));
      EXPECT_EQ((record.status & host::kCompletionPhase) != 0, (n / (7 + c)) % 2 == 0);
      EXPECT_EQ((record.status >> 8) & 0xf, c);
    }
  }
}

// 0.99 of one full beat per clock (architecture, section 3).
TEST(CoreStream, WritesFillEveryClock) {
  CoreBench bench({.seed = 30, .max_payload = 1});
  ChannelDriver channel(bench, 0, 4);
  put_stream(channel, kBuffers, 4, 65536);
  channel.control(kRun | kC2h | kPattern | kCyclic);
  bench.tick(3000);
  const std::uint64_t beats = bench.request_beats;
  bench.tick(20'000);
  EXPECT_GE(bench.request_beats - beats, 19'800u);
}

TEST(CoreStream, ReadsFillEveryClock) {
  BenchConfig config{.seed = 31, .min_latency = 100, .max_latency = 250, .split = false};
  CoreBench bench(config);
  ChannelDriver channel(bench, 0, 4);
  pcie::fill_pattern(bench.memory(kBuffers, 4 * 65536), channel.seed(), 0, 0);
  put_stream(channel, kBuffers, 4, 65536);
  channel.control(kRun | kPattern | kCyclic);
  bench.tick(3000);
  const std::uint64_t before = bench.read64(channel_regs::checked_lo(0));
  const std::uint64_t start = bench.now;
  bench.tick(20'000);
  const std::uint64_t bytes = bench.read64(channel_regs::checked_lo(0)) - before;
  EXPECT_GE(bytes, (bench.now - start) * CoreBench::beat_bytes() * 97 / 100);
  EXPECT_EQ(bench.read(channel_regs::mismatches(0)), 0u);
}

}  // namespace
}  // namespace holdover::rtl_test
