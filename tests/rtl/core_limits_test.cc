// SPDX-License-Identifier: MIT
// What was prepared under one set of rules and leaves under another: payload and read sizes that change, resets and
// stops at any moment.
#include <gtest/gtest.h>

#include <algorithm>

#include "pcie/config_space.h"
#include "pcie/pattern.h"
#include "tests/rtl/channel_driver.h"

namespace holdover::rtl_test {
namespace {

namespace reader = host::regs::heartbeat_reader;
namespace writer = host::regs::heartbeat_writer;
using pcie::Tlp;

constexpr std::uint64_t kBuffers = CoreBench::kLowBase + 0x10'0000;
constexpr std::uint64_t kRing = CoreBench::kHighBase + 0x10'0000;
constexpr unsigned kDeviceControl = 0x78;
constexpr unsigned kDeviceControl2 = 0x98;
constexpr std::uint32_t kInitiateFlr = 0x8000;

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

void set_sizes(CoreBench& bench, unsigned max_payload, unsigned max_read_request) {
  bench.config.max_payload = max_payload;
  bench.config.max_read_request = max_read_request;
  bench.config_write(kDeviceControl, (max_payload << 5) | (max_read_request << 12) | 0x100, 0x3);
}

// Function reset, and the endpoint as after power on.
void reset_function(CoreBench& bench) {
  bench.config_write(kDeviceControl, kInitiateFlr | (bench.config.max_payload << 5), 0x3);
  ASSERT_TRUE(bench.run_until([&] { return bench.config_read(pcie::config::kVendorId) == 0x1234u; }, 10'000));
  bench.configure();
}

void clear_records(CoreBench& bench, unsigned channel) {
  std::ranges::fill(bench.memory(CoreBench::kHighBase + 0x10000 * channel + 0x8000, 1024), std::byte{0});
}

TEST(CoreLimits, ASmallerPayloadSizeHoldsForWritesThatWerePreparedBefore) {
  for (const std::uint64_t lead : {0u, 3u}) {
    CoreBench bench({.seed = 61, .max_payload = 3});
    ChannelDriver channel(bench, 0, 5);
    const std::uint64_t base = kBuffers + lead;
    put_stream(channel, base, 5, 3000);
    channel.control(kRun | kC2h | kPattern | kCyclic);
    for (unsigned round = 0; round < 40; ++round) {
      bench.tick(static_cast<unsigned>(100 + bench.random(300)));
      bench.set_bus_master(false);
      bench.tick(100);
      set_sizes(bench, static_cast<unsigned>(bench.random(4)), 2);
      bench.set_bus_master(true);
    }
    channel.control(kC2h | kPattern | kCyclic);
    ASSERT_TRUE(bench.run_until([&] { return channel.is_idle(); }, 2000));
    const auto completed = static_cast<std::uint32_t>(bench.read64(channel_regs::completed_lo(0)));
    ASSERT_GT(completed, 10u);
    for (std::uint32_t n = completed - 5; n < completed; ++n) {
      EXPECT_EQ(pcie::first_mismatch(bench.memory(base + (n % 5) * 3000, 3000), channel.seed(), n / 5, (n % 5) * 3000),
                3000u);
    }
  }
}

TEST(CoreLimits, ASmallerReadSizeHoldsForReadsThatWerePreparedBefore) {
  HOLDOVER_NEEDS_CHANNELS(2);
  CoreBench bench({.seed = 62, .max_payload = 0});
  ChannelDriver data(bench, 0, 5);
  ChannelDriver descriptors(bench, 1, 24);
  pcie::fill_pattern(bench.memory(kBuffers + 3, 15'000), data.seed(), 0, 0);
  pcie::fill_pattern(bench.memory(kBuffers + 0x10000, 24 * 8), descriptors.seed(), 0, 0);
  put_stream(data, kBuffers + 3, 5, 3000);
  put_stream(descriptors, kBuffers + 0x10000, 24, 8);
  data.control(kRun | kPattern | kCyclic);
  descriptors.control(kRun | kPattern | kCyclic);
  for (unsigned round = 0; round < 60; ++round) {
    bench.tick(static_cast<unsigned>(100 + bench.random(300)));
    bench.set_bus_master(false);
    bench.tick(static_cast<unsigned>(bench.random(400)));
    set_sizes(bench, 0, static_cast<unsigned>(bench.random(3)));
    bench.set_bus_master(true);
  }
  for (unsigned c = 0; c < 2; ++c) {
    bench.write(channel_regs::control(c), kPattern | kCyclic);
    ASSERT_TRUE(bench.run_until([&] { return (bench.read(channel_regs::status(c)) & 1) != 0; }, 3000));
    EXPECT_EQ(bench.read(channel_regs::mismatches(c)), 0u);
    EXPECT_EQ(bench.read64(channel_regs::checked_lo(c)), bench.read64(channel_regs::bytes_lo(c)));
    EXPECT_GT(bench.read64(channel_regs::completed_lo(c)), 10u);
  }
}

TEST(CoreLimits, FunctionResetsAtAnyMomentLoseNoTagAndNoRoom) {
  CoreBench bench({.seed = 63, .max_latency = 300});
  for (int round = 0; round < 25; ++round) {
    ChannelDriver channel(bench, 0, 4);
    clear_records(bench, 0);
    put_stream(channel, kBuffers, 4, 8192);
    channel.control(kRun | kCyclic);
    for (int n = 0; n < 2; ++n) ASSERT_TRUE(channel.wait(20'000).has_value()) << "round " << round;
    bench.tick(static_cast<unsigned>(bench.random(300)));
    reset_function(bench);
    // The reads that the reset forgot have been answered or are given up.
    bench.write(host::regs::global::kCompletionTimeout, 3000);
    bench.tick(7000);
    bench.write(host::regs::global::kCompletionTimeout, 100'000);
  }
}

TEST(CoreLimits, AFunctionResetEndsWhereTheLinkTakesNothingAndCutsNoPacket) {
  HOLDOVER_NEEDS_CHANNELS(2);
  CoreBench bench({.seed = 64});
  for (int round = 0; round < 6; ++round) {
    ChannelDriver up(bench, 0, 4);
    ChannelDriver down(bench, 1, 4);
    for (unsigned c = 0; c < 2; ++c) clear_records(bench, c);
    put_stream(up, kBuffers, 4, 3000);
    put_stream(down, kBuffers + 0x10000, 4, 3000);
    up.control(kRun | kC2h | kPattern | kCyclic);
    down.control(kRun | kCyclic);
    for (int n = 0; n < 3; ++n) ASSERT_TRUE(up.wait(20'000).has_value());
    EXPECT_GE(bench.read64(channel_regs::completed_lo(0)), 3u);
    bench.tick(static_cast<unsigned>(bench.random(50)));
    bench.hold_tx = true;
    const std::uint64_t start = bench.now;
    reset_function(bench);
    EXPECT_LE(bench.now - start, 10'000u);
    bench.hold_tx = false;
    bench.tick(200);
  }
}

TEST(CoreLimits, AReadIsNeverGivenUpWhereTheTimeOutIsDisabled) {
  CoreBench bench({.seed = 65});
  bench.write(host::regs::global::kCompletionTimeout, 1000);
  ChannelDriver channel(bench, 0, 4);
  put_stream(channel, kBuffers, 1, 64);
  bench.answer = [](const Tlp&) { return Answer::Never; };
  bench.config_write(kDeviceControl2, 0x10, 0x3);
  channel.ring();
  channel.control(kRun);
  bench.tick(5000);
  EXPECT_EQ(bench.read(host::regs::monitor::kTimeouts), 0u);
  bench.config_write(kDeviceControl2, 0, 0x3);
  bench.tick(1000);
  EXPECT_EQ(bench.read(host::regs::monitor::kTimeouts), 1u);
}

void start_writer(CoreBench& bench, std::uint64_t ring, std::uint32_t period) {
  bench.write64(writer::kRingBaseLo, ring);
  bench.write(writer::kRingEntries, 16);
  bench.write(writer::kPeriod, period);
  bench.write(writer::kControl, writer::kControlRun.mask());
}

TEST(CoreLimits, AStoppedHeartbeatWritesNothingMoreAndCountsWhatItWrote) {
  CoreBench bench({.seed = 66});
  start_writer(bench, kRing, 2000);
  std::uint64_t records = 0;
  bench.on_request = [&](const Tlp&) { ++records; };
  bench.tick(2100);
  EXPECT_EQ(records, 1u);
  bench.set_bus_master(false);
  bench.tick(2000);  // the second record is due and cannot leave
  bench.write(writer::kControl, 0);
  EXPECT_EQ(bench.read64(writer::kSequenceLo) - bench.read(writer::kMissed), 1u);
  bench.set_bus_master(true);
  bench.tick(3000);
  EXPECT_EQ(records, 1u) << "a record came after the host had seen the end";
}

TEST(CoreLimits, ANewRunOfTheHeartbeatKnowsNothingOfTheLast) {
  CoreBench bench({.seed = 67});
  start_writer(bench, kRing, 2000);
  bench.tick(100);
  bench.set_bus_master(false);
  bench.tick(2000);
  std::vector<Tlp> records;
  bench.on_request = [&](const Tlp& tlp) { records.push_back(tlp); };
  bench.write(writer::kControl, 0);
  start_writer(bench, kRing + 0x1000, 2000);
  bench.set_bus_master(true);
  bench.tick(2100);
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].address, kRing + 0x1000);
  const auto record = bench.load<host::HeartbeatRecord>(kRing + 0x1000);
  EXPECT_EQ(record.sequence, 0u);
  EXPECT_EQ(record.missed, 0u);
}

TEST(CoreLimits, ANewRunOfTheHeartbeatsReaderKnowsNothingOfTheLast) {
  CoreBench bench({.seed = 70, .min_latency = 900, .max_latency = 1000});
  pcie::fill_pattern(bench.memory(kRing, 32 * 8), 5, 0, 0);
  bench.write64(reader::kRingBaseLo, kRing);
  bench.write(reader::kRingEntries, 8);
  bench.write(reader::kPeriod, 100);
  bench.write(reader::kSeed, 5);
  std::vector<std::uint64_t> cells;
  bench.on_request = [&](const Tlp& tlp) { cells.push_back((tlp.address - kRing) / 32); };
  for (int round = 0; round < 4; ++round) {
    bench.write(reader::kControl, 1);
    bench.tick(static_cast<unsigned>(1500 + bench.random(500)));
    bench.write(reader::kControl, 0);
    EXPECT_EQ(bench.read(reader::kStatus), 0u) << "reads are in flight";
    const std::size_t before = cells.size();
    EXPECT_GT(before, 3u);
    for (std::size_t n = 0; n < before; ++n) EXPECT_EQ(cells[n], n % 8);
    bench.write(reader::kControl, 1);
    bench.tick(1050);
    // Every read of the first run has come back before the second began.
    EXPECT_EQ(bench.read64(reader::kCountLo), 0u);
    cells.erase(cells.begin(), cells.begin() + static_cast<std::ptrdiff_t>(before));
    bench.tick(2000);
    bench.write(reader::kControl, 0);
    ASSERT_TRUE(bench.run_until([&] { return bench.read(reader::kStatus) == 1; }, 2000));
    EXPECT_EQ(bench.read64(reader::kCountLo), cells.size());
    EXPECT_EQ(bench.read(reader::kMismatches), 0u);
    cells.clear();
  }
}

// The longest descriptor; a narrow model shows only that it is accepted, because it takes so long.
TEST(CoreLimits, ADescriptorOfSixteenMebibytesIsOne) {
  BenchConfig config{.seed = 71, .max_payload = 3};
  config.window = 17u << 20;
  CoreBench bench(config);
  ChannelDriver channel(bench, 0, 4);
  constexpr std::uint32_t kLength = 1u << 24;
  put_stream(channel, CoreBench::kLowBase + 0x2'0005, 1, kLength);
  std::uint64_t bytes = 0;
  bench.on_request = [&](const Tlp& tlp) { bytes += pcie::enabled_bytes(tlp).count(); };
  channel.ring();
  channel.control(kRun | kC2h | kPattern);
  if (CoreBench::beat_bytes() < 64) {
    bench.tick(5000);
    EXPECT_GT(bytes, 30'000u);
    EXPECT_EQ(channel.status(), 0u);
    return;
  }
  const auto record = channel.wait(400'000);
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(record->length, kLength);
  EXPECT_EQ(bench.read64(channel_regs::bytes_lo(0)), kLength);
  EXPECT_EQ(pcie::first_mismatch(bench.memory(CoreBench::kLowBase + 0x2'0005, kLength), channel.seed(), 0, 0), kLength);
}

TEST(CoreLimits, ARingOfOneDescriptorGoesRound) {
  HOLDOVER_NEEDS_CHANNELS(2);
  CoreBench bench({.seed = 68});
  ChannelDriver up(bench, 0, 1);
  ChannelDriver down(bench, 1, 1);
  pcie::fill_pattern(bench.memory(kBuffers + 0x10000, 100), down.seed(), 0, 0);
  put_stream(up, kBuffers, 1, 100);
  put_stream(down, kBuffers + 0x10000, 1, 100);
  up.control(kRun | kC2h | kPattern | kCyclic);
  down.control(kRun | kPattern | kCyclic);
  bench.tick(5000);
  for (unsigned c = 0; c < 2; ++c) {
    bench.write(channel_regs::control(c), (c == 0 ? kC2h : 0) | kPattern | kCyclic);
    ASSERT_TRUE(bench.run_until([&] { return (bench.read(channel_regs::status(c)) & 1) != 0; }, 3000));
    const auto completed = static_cast<std::uint32_t>(bench.read64(channel_regs::completed_lo(c)));
    EXPECT_GT(completed, 5u);
    const auto record = bench.load<host::DmaCompletion>(CoreBench::kHighBase + 0x10000 * c + 0x8000);
    EXPECT_EQ(record.sequence, completed - 1);
    EXPECT_EQ((record.status & host::kCompletionPhase) != 0, completed % 2 == 1);
    EXPECT_EQ(bench.read(channel_regs::mismatches(c)), 0u);
  }
  const auto laps = static_cast<std::uint32_t>(bench.read64(channel_regs::completed_lo(0)));
  EXPECT_EQ(pcie::first_mismatch(bench.memory(kBuffers, 100), up.seed(), laps - 1, 0), 100u);
}

TEST(CoreLimits, ChannelsAreResetOneByOneWhileBusMasteringIsOff) {
  CoreBench bench({.seed = 69});
  std::vector<ChannelDriver> channels;
  for (unsigned c = 0; c < CoreBench::channels(); ++c) {
    channels.emplace_back(bench, c, 4);
    put_stream(channels[c], kBuffers + 0x10000 * c, 4, 3000);
  }
  for (auto& channel : channels) channel.control(kRun | kC2h | kPattern | kCyclic);
  bench.tick(1000);
  bench.set_bus_master(false);
  bench.tick(100);
  for (unsigned c = CoreBench::channels(); c-- > 0;) {
    channels[c].reset();
    EXPECT_TRUE(bench.run_until(
        [&] { return (bench.read(channel_regs::control(c)) & channel_regs::kControlReset.mask()) == 0; }, 2000))
        << "channel " << c;
  }
  bench.set_bus_master(true);
  const std::uint64_t beats = bench.request_beats;
  bench.tick(500);
  EXPECT_EQ(bench.request_beats, beats) << "a reset channel wrote";
  for (unsigned c = 0; c < CoreBench::channels(); ++c) {
    put_stream(channels[c], kBuffers + 0x10000 * c, 4, 500);
    channels[c].ring();
    channels[c].control(kRun | kC2h | kPattern);
    for (std::uint32_t n = 0; n < 4; ++n) {
      const auto record = channels[c].wait();
      ASSERT_TRUE(record.has_value());
      EXPECT_EQ(record->sequence, n);
      EXPECT_EQ(
          pcie::first_mismatch(bench.memory(kBuffers + 0x10000 * c + n * 500, 500), channels[c].seed(), 0, n * 500),
          500u);
    }
  }
}

}  // namespace
}  // namespace holdover::rtl_test
