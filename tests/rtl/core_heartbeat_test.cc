// SPDX-License-Identifier: MIT
// Heartbeat and interrupts through the whole endpoint.
#include <gtest/gtest.h>

#include <algorithm>

#include "pcie/pattern.h"
#include "tests/rtl/channel_driver.h"

namespace holdover::rtl_test {
namespace {

namespace writer = host::regs::heartbeat_writer;
namespace reader = host::regs::heartbeat_reader;
using pcie::Tlp;
using pcie::TlpKind;

constexpr std::uint64_t kRing = CoreBench::kHighBase + 0x10'0000;
constexpr std::uint64_t kBuffers = CoreBench::kLowBase + 0x20'0000;
constexpr std::uint64_t kMessages = 0xFEE0'0000;

void start_writer(CoreBench& bench, std::uint32_t period, std::uint32_t entries, bool interrupt = false,
                  std::uint32_t every = 1) {
  bench.write64(writer::kRingBaseLo, kRing);
  bench.write(writer::kRingEntries, entries);
  bench.write(writer::kPeriod, period);
  bench.write(writer::kVector, 5);
  bench.write(writer::kInterruptEvery, every);
  bench.write(writer::kControl, writer::kControlRun.mask() | (interrupt ? writer::kControlInterrupt.mask() : 0));
}

void enable_msix(CoreBench& bench) {
  for (std::uint32_t n = 0; n < 32; ++n) {
    bench.write(0x8000 + n * 16, static_cast<std::uint32_t>(kMessages));
    bench.write(0x8004 + n * 16, 0);
    bench.write(0x8008 + n * 16, 0x40 + n);
    bench.write(0x800c + n * 16, 0);
  }
  bench.config_write(0x50, 0x8000'0000, 0xc);
}

void expect_record(const host::HeartbeatRecord& record, std::uint64_t sequence, std::uint32_t period) {
  EXPECT_EQ(record.sequence, sequence);
  EXPECT_EQ(record.check, ~(record.sequence ^ record.time));
  EXPECT_EQ(record.period, period);
}

TEST(HeartbeatWriter, NumbersAndStampsItsRecordsAtAnAbsolutePace) {
  CoreBench bench({.seed = 51});
  start_writer(bench, 100, 16);
  bench.tick(10 * 100 + 50);
  std::uint64_t last = 0;
  for (std::uint64_t n = 0; n < 10; ++n) {
    const auto record = bench.load<host::HeartbeatRecord>(kRing + 32 * n);
    expect_record(record, n, 100);
    EXPECT_EQ(record.missed, 0u);
    if (n > 0) {
      EXPECT_EQ(record.time - last, 100u);
    }
    last = record.time;
  }
}

TEST(HeartbeatWriter, MissesExactlyThePeriodsInWhichNothingWasTaken) {
  CoreBench bench({.seed = 52});
  start_writer(bench, 64, 512);
  std::vector<host::HeartbeatRecord> records;
  bench.on_request = [&](const Tlp& tlp) {
    host::HeartbeatRecord record;
    std::memcpy(&record, tlp.payload.data(), sizeof(record));
    records.push_back(record);
  };
  bench.tick(1000);
  bench.set_bus_master(false);
  bench.tick(64 * 40);
  bench.set_bus_master(true);
  bench.tick(1000);
  ASSERT_GT(records.size(), 20u);
  std::uint32_t missed = 0;
  for (std::size_t n = 1; n < records.size(); ++n) {
    const std::uint64_t step = records[n].sequence - records[n - 1].sequence;
    missed += static_cast<std::uint32_t>(step - 1);
    EXPECT_EQ(records[n].time - records[n - 1].time, 64 * step);
    EXPECT_EQ(records[n].missed, missed);
  }
  EXPECT_GE(missed, 18u);
  EXPECT_EQ(bench.read(writer::kMissed), missed);
}

TEST(HeartbeatWriter, GoesBeforeSaturatedTraffic) {
  HOLDOVER_NEEDS_CHANNELS(2);
  CoreBench bench({.seed = 53});
  ChannelDriver up(bench, 0, 4);
  ChannelDriver down(bench, 1, 4);
  for (std::uint32_t n = 0; n < 4; ++n) {
    up.put({.host_address = kBuffers + n * 4096,
            .card_address = 0,
            .length = 4096,
            .flags = 0,
            .cookie = 0,
            .reserved = 0});
    down.put({.host_address = kBuffers + n * 4096,
              .card_address = 0,
              .length = 4096,
              .flags = 0,
              .cookie = 0,
              .reserved = 0});
  }
  up.control(kRun | kCyclic | kPattern | kC2h);
  down.control(kRun | kCyclic);
  start_writer(bench, 50, 1024);
  std::uint64_t last = 0;
  std::uint64_t longest = 0;
  std::uint64_t count = 0;
  bench.on_request = [&](const Tlp& tlp) {
    if (tlp.kind != TlpKind::MemoryWrite || tlp.address < kRing || tlp.address >= kRing + 32 * 1024) return;
    if (count++ > 0) longest = std::max(longest, bench.now - last);
    last = bench.now;
  };
  bench.tick(20'000);
  EXPECT_GT(count, 390u);
  EXPECT_LE(longest, 50u + 4 + 256 / CoreBench::beat_bytes());  // behind one packet
  EXPECT_EQ(bench.read(writer::kMissed), 0u);
}

TEST(HeartbeatReader, CountsCellsThatArriveDifferAndFail) {
  CoreBench bench({.seed = 54});
  constexpr std::uint32_t kCells = 10;
  constexpr std::uint32_t kSeed = 77;
  pcie::fill_pattern(bench.memory(kRing, 32 * kCells), kSeed, 0, 0);
  bench.memory(kRing + 32 * 4 + 9, 1)[0] ^= std::byte{4};
  bench.answer = [](const Tlp& tlp) {
    return tlp.address == kRing + 32 * 7 ? Answer::UnsupportedRequest : Answer::Normal;
  };
  bench.write64(reader::kRingBaseLo, kRing);
  bench.write(reader::kRingEntries, kCells);
  bench.write(reader::kPeriod, 40);
  bench.write(reader::kSeed, kSeed);
  bench.write(reader::kControl, 1);
  unsigned reads = 0;
  bench.on_request = [&](const Tlp& tlp) {
    EXPECT_EQ(tlp.address, kRing + 32 * (reads % kCells));
    ++reads;
  };
  ASSERT_TRUE(bench.run_until([&] { return reads == 3 * kCells; }, 5000));
  bench.write(reader::kControl, 0);
  ASSERT_TRUE(bench.run_until([&] { return bench.read(reader::kStatus) == 1; }, 100));
  const std::uint64_t failed = bench.read(reader::kFailed);
  EXPECT_EQ(failed, 3u);
  EXPECT_EQ(bench.read64(reader::kCountLo), reads - failed);
  EXPECT_EQ(bench.read(reader::kMismatches), 3u);
  EXPECT_EQ(bench.read(reader::kMissed), 0u);
}

TEST(HeartbeatReader, ReadsThatWaitedAreAllIssuedInOrder) {
  CoreBench bench({.seed = 56});
  constexpr std::uint32_t kCells = 64;
  bench.write64(reader::kRingBaseLo, kRing);
  bench.write(reader::kRingEntries, kCells);
  bench.write(reader::kPeriod, 100);
  bench.write(reader::kControl, 1);
  std::vector<std::uint64_t> cells;
  bench.on_request = [&](const Tlp& tlp) { cells.push_back((tlp.address - kRing) / 32); };
  bench.tick(1000);
  bench.set_bus_master(false);
  bench.tick(14 * 100);
  bench.set_bus_master(true);
  bench.tick(1000);
  ASSERT_GT(cells.size(), 30u);
  for (std::size_t n = 0; n < cells.size(); ++n) ASSERT_EQ(cells[n], n % kCells);
  EXPECT_EQ(bench.read(reader::kMissed), 0u);

  cells.clear();
  bench.set_bus_master(false);
  bench.tick(40 * 100);
  bench.set_bus_master(true);
  bench.tick(1000);
  const std::uint32_t missed = bench.read(reader::kMissed);
  EXPECT_GE(missed, 20u);
  std::uint64_t skipped = 0;
  for (std::size_t n = 1; n < cells.size(); ++n) skipped += (cells[n] + kCells - cells[n - 1] - 1) % kCells;
  EXPECT_EQ(skipped, missed);
}

// On hard blocks requests and completions are apart, so the announcement must wait for the posted writes to leave.
TEST(Announcement, WaitsUntilTheRecordHasLeft) {
  CoreBench bench({.seed = 55, .sent_latency = 300});
  enable_msix(bench);
  start_writer(bench, 1000, 16, true);
  std::vector<std::uint64_t> records;
  std::vector<std::uint64_t> messages;
  bench.on_request = [&](const Tlp& tlp) {
    if (tlp.kind != TlpKind::MemoryWrite) return;
    (tlp.address >= kRing ? records : messages).push_back(bench.now);
    if (tlp.address < kRing) {
      EXPECT_EQ(tlp.payload[0], std::byte{0x45});
    }
  };
  bench.tick(5500);
  ASSERT_EQ(records.size(), 5u);
  ASSERT_EQ(messages.size(), 5u);
  for (std::size_t n = 0; n < 5; ++n) {
    EXPECT_GE(messages[n], records[n] + 300);
    EXPECT_LE(messages[n], records[n] + 320);
  }
}

TEST(Announcement, OfARegisterReadWaitsToo) {
  CoreBench bench({.seed = 56, .sent_latency = 400});
  ChannelDriver channel(bench, 0, 4);
  channel.put({.host_address = kBuffers, .card_address = 0, .length = 64, .flags = 0, .cookie = 0, .reserved = 0});
  channel.ring();
  channel.control(kRun | kC2h);
  std::uint64_t written = 0;
  bench.on_request = [&](const Tlp& tlp) {
    if (tlp.kind == TlpKind::MemoryWrite) written = bench.now;
  };
  ASSERT_TRUE(channel.wait().has_value());
  EXPECT_EQ(bench.read64(channel_regs::completed_lo(0)), 1u);
  EXPECT_GE(bench.now, written + 400);
}

TEST(Moderation, CountsTimesAndObeysTheDescriptor) {
  CoreBench bench({.seed = 57});
  enable_msix(bench);
  ChannelDriver channel(bench, 0, 16);
  bench.write(channel_regs::vector(0), 9);
  bench.write(channel_regs::moderation(0), 4 | (20u << 16));
  const auto put = [&](unsigned count, std::uint32_t flags) {
    for (unsigned n = 0; n < count; ++n) {
      channel.put(
          {.host_address = kBuffers, .card_address = 0, .length = 64, .flags = flags, .cookie = 0, .reserved = 0});
    }
    channel.ring();
    for (unsigned n = 0; n < count; ++n) ASSERT_TRUE(channel.wait().has_value());
  };
  channel.control(kRun | kC2h | kInterrupt);
  put(8, 0);
  bench.tick(200);
  EXPECT_EQ(bench.events.size(), 2u) << "one event for four completions";
  put(1, 0);
  bench.tick(200);
  EXPECT_EQ(bench.events.size(), 2u);
  bench.tick(20 * 250 + 300);
  EXPECT_EQ(bench.events.size(), 3u) << "the time ran out";
  put(1, host::kDescriptorInterrupt);
  bench.tick(200);
  EXPECT_EQ(bench.events.size(), 4u) << "the descriptor asked for it";
  for (const auto& [vector, clock] : bench.events) EXPECT_EQ(vector, 9u);
}

// Every channel for itself: one event for three completions, and none for what is left over while no time is set.
TEST(Moderation, ByCountAloneEachChannelAnnouncesWholeGroups) {
  CoreBench bench({.seed = 58});
  constexpr std::uint32_t kPosted = 11;
  std::vector<ChannelDriver> channels;
  for (unsigned c = 0; c < CoreBench::channels(); ++c) {
    channels.emplace_back(bench, c, 4);
    bench.write(channel_regs::vector(c), c);
    bench.write(channel_regs::moderation(c), 3);
    channels[c].control(kRun | kC2h | kPattern | kInterrupt);
  }
  bench.config_write(0x50, 0x8000'0000, 0xc);
  for (std::uint32_t n = 0; n < kPosted; ++n) {
    for (auto& channel : channels) {
      channel.put({.host_address = kBuffers, .card_address = 0, .length = 64, .flags = 0, .cookie = n, .reserved = 0});
      channel.ring();
    }
    for (auto& channel : channels) ASSERT_TRUE(channel.wait().has_value());
  }
  bench.tick(20'000);
  std::vector<unsigned> raised(32);
  for (const auto& [vector, clock] : bench.events) ++raised[vector];
  for (unsigned c = 0; c < CoreBench::channels(); ++c) EXPECT_EQ(raised[c], kPosted / 3) << "channel " << c;
}

// The count is never reached: an event comes when the time is over, never sooner, and covers all that came meanwhile.
TEST(Moderation, ByTimeAloneEventsAreThatFarApart) {
  CoreBench bench({.seed = 59});
  constexpr std::uint32_t kMicroseconds = 8;
  const std::uint64_t microsecond = 1'000'000 / bench.read(host::regs::global::kClockPeriod);
  bench.config_write(0x50, 0x8000'0000, 0xc);
  ChannelDriver channel(bench, 0, 4);
  bench.write(channel_regs::moderation(0), 0xffff | (kMicroseconds << 16));
  for (std::uint32_t n = 0; n < 4; ++n) {
    channel.put({.host_address = kBuffers, .card_address = 0, .length = 64, .flags = 0, .cookie = n, .reserved = 0});
  }
  std::uint64_t first = 0;
  bench.on_request = [&](const Tlp& tlp) {
    if (first == 0 && tlp.kind == TlpKind::MemoryWrite && tlp.address >= CoreBench::kHighBase) first = bench.now;
  };
  channel.control(kRun | kC2h | kPattern | kCyclic | kInterrupt);
  ASSERT_TRUE(bench.run_until([&] { return bench.events.size() == 6; }, 200'000));
  std::uint64_t last = first;
  for (const auto& [vector, clock] : bench.events) {
    // Microseconds are counted as they end; and the former event may have waited longer for its record to leave.
    EXPECT_GE(clock - last + bench.config.sent_latency, (kMicroseconds - 1) * microsecond);
    last = clock;
  }
}

}  // namespace
}  // namespace holdover::rtl_test
