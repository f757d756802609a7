// SPDX-License-Identifier: MIT
// On a hard block requests and completions are streams apart: what tells of posted writes, the answer of a register
// read or an interrupt message, waits until these have left the block, however long that takes.
#include <gtest/gtest.h>

#include <map>

#include "tests/rtl/channel_driver.h"

namespace holdover::rtl_test {
namespace {

namespace writer = host::regs::heartbeat_writer;
using pcie::Tlp;
using pcie::TlpKind;

constexpr std::uint64_t kBuffers = CoreBench::kLowBase + 0x10'0000;
constexpr std::uint64_t kBeats = CoreBench::kHighBase + 0x20'0000;
constexpr std::uint64_t kMessages = 0xFEE0'0000;
constexpr unsigned kHeartbeatVector = 20;
// Far longer than any answer takes that waits for nothing.
constexpr unsigned kLong = 3000;

void enable_msix(CoreBench& bench) {
  for (std::uint32_t n = 0; n < 32; ++n) {
    bench.write(0x8000 + n * 16, static_cast<std::uint32_t>(kMessages + n * 16));
    bench.write(0x8008 + n * 16, n);
    bench.write(0x800c + n * 16, 0);
  }
  bench.config_write(0x50, 0x8000'0000, 0xc);
}

void start_writes(CoreBench& bench, ChannelDriver& channel, std::uint32_t count, std::uint32_t control) {
  for (std::uint32_t n = 0; n < count; ++n) {
    channel.put({.host_address = kBuffers, .card_address = 0, .length = 256, .flags = 0, .cookie = n, .reserved = 0});
  }
  channel.ring();
  channel.control(kRun | kC2h | control);
  for (std::uint32_t n = 0; n < count; ++n) ASSERT_TRUE(channel.wait().has_value());
  bench.tick(100);
}

TEST(Posted, ARegisterReadWaitsForWhatTheBlockStillHolds) {
  CoreBench bench({.seed = 91});
  ChannelDriver channel(bench, 0, 4);
  bench.hold_sent = true;
  start_writes(bench, channel, 1, 0);
  bench.begin_read(CoreBench::kBar0 + channel_regs::completed_lo(0));
  bench.tick(kLong);
  ASSERT_FALSE(bench.take_completion().has_value()) << "the count came before the record that it counts";
  bench.hold_sent = false;
  std::optional<Tlp> answer;
  ASSERT_TRUE(bench.run_until([&] { return (answer = bench.take_completion()).has_value(); }, kLong));
  EXPECT_EQ(bench.posted_left, bench.posted_taken);
  ASSERT_EQ(answer->payload.size(), 4u);
  EXPECT_EQ(answer->payload[0], std::byte{1});
}

TEST(Posted, AReadOfCardMemoryWaitsToo) {
  CoreBench bench({.seed = 92});
  ChannelDriver channel(bench, 0, 4);
  bench.hold_sent = true;
  start_writes(bench, channel, 1, 0);
  bench.begin_read(CoreBench::kBar2, 16);
  bench.tick(kLong);
  ASSERT_FALSE(bench.take_completion().has_value());
  bench.hold_sent = false;
  EXPECT_TRUE(bench.run_until([&] { return bench.take_completion().has_value(); }, kLong));
}

TEST(Posted, AWriteThatHasBegunAndIsNotTakenIsWaitedFor) {
  CoreBench bench({.seed = 93});
  bench.hold_tx = true;
  bench.write64(writer::kRingBaseLo, kBeats);
  bench.write(writer::kRingEntries, 4);
  bench.write(writer::kPeriod, 64);
  bench.write(writer::kControl, writer::kControlRun.mask());
  bench.tick(200);
  bench.begin_read(CoreBench::kBar0 + writer::kSequenceLo);
  bench.tick(kLong);
  EXPECT_FALSE(bench.take_completion().has_value());
  bench.hold_tx = false;
  EXPECT_TRUE(bench.run_until([&] { return bench.take_completion().has_value(); }, kLong));
}

TEST(Posted, AReadWaitsForNothingThatBeganAfterIt) {
  CoreBench bench({.seed = 94});
  ChannelDriver channel(bench, 0, 4);
  bench.begin_read(CoreBench::kBar0 + channel_regs::completed_lo(0));
  bench.tick(100);
  ASSERT_TRUE(bench.take_completion().has_value());
  bench.hold_sent = true;
  bench.begin_read(CoreBench::kBar0 + channel_regs::completed_lo(0));
  EXPECT_TRUE(bench.run_until([&] { return bench.take_completion().has_value(); }, kLong));
}

TEST(Posted, AnInterruptOfAChannelWaitsForItsRecord) {
  CoreBench bench({.seed = 95});
  enable_msix(bench);
  ChannelDriver channel(bench, 0, 4);
  bench.hold_sent = true;
  std::uint64_t messages = 0;
  bench.on_request = [&](const Tlp& tlp) { messages += (tlp.address & ~std::uint64_t{0xfff}) == kMessages ? 1 : 0; };
  start_writes(bench, channel, 1, kInterrupt);
  bench.tick(kLong);
  EXPECT_EQ(messages, 0u) << "the interrupt came before the record that it announces";
  EXPECT_TRUE(bench.events.empty());
  bench.hold_sent = false;
  EXPECT_TRUE(bench.run_until([&] { return messages == 1; }, kLong));
}

TEST(Posted, AnInterruptOfTheHeartbeatWaitsForItsRecord) {
  CoreBench bench({.seed = 96});
  enable_msix(bench);
  bench.hold_sent = true;
  std::uint64_t messages = 0;
  std::uint64_t records = 0;
  bench.on_request = [&](const Tlp& tlp) {
    ++((tlp.address & ~std::uint64_t{0xfff}) == kMessages ? messages : records);
  };
  bench.write64(writer::kRingBaseLo, kBeats);
  bench.write(writer::kRingEntries, 4);
  bench.write(writer::kPeriod, 1000);
  bench.write(writer::kVector, kHeartbeatVector);
  bench.write(writer::kInterruptEvery, 1);
  bench.write(writer::kControl, writer::kControlRun.mask() | writer::kControlInterrupt.mask());
  ASSERT_TRUE(bench.run_until([&] { return records == 2; }, 10'000));
  bench.tick(500);
  EXPECT_EQ(messages, 0u);
  bench.hold_sent = false;
  EXPECT_TRUE(bench.run_until([&] { return messages == 2; }, kLong));
}

class PostedSeeds : public ::testing::TestWithParam<std::uint64_t> {};

// Whatever the block does with posted writes: no message and no count overtakes the record it tells of.
TEST_P(PostedSeeds, NothingIsToldBeforeItLeft) {
  const std::uint64_t seed = GetParam();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  BenchConfig config{.seed = seed};
  CoreBench bench(config);
  bench.config.sent_latency = static_cast<unsigned>(bench.random(200));
  bench.config.tx_ready_percent = static_cast<unsigned>(20 + bench.random(81));
  enable_msix(bench);
  const unsigned count = CoreBench::channels();
  std::map<unsigned, std::vector<std::uint64_t>> records;  // of a vector: the number of each among posted requests
  std::map<unsigned, std::uint64_t> told;
  bench.on_request = [&](const Tlp& tlp) {
    if (tlp.kind != TlpKind::MemoryWrite) return;
    if ((tlp.address & ~std::uint64_t{0xfff}) == kMessages) {
      // One message for at least one record that was not told of before; events may have been coalesced.
      const auto vector = static_cast<unsigned>(tlp.payload[0]);
      ASSERT_LT(told[vector], records[vector].size());
      EXPECT_GE(bench.posted_left, records[vector][told[vector]]) << "vector " << vector;
      ++told[vector];
    } else if (tlp.address >= kBeats && tlp.address < kBeats + 0x1000) {
      records[kHeartbeatVector].push_back(bench.posted_taken);
    } else if (tlp.address >= CoreBench::kHighBase && tlp.address < CoreBench::kHighBase + 0x10'0000) {
      records[static_cast<unsigned>(tlp.address >> 16) & 0xf].push_back(bench.posted_taken);
    }
  };
  std::vector<ChannelDriver> channels;
  for (unsigned c = 0; c < count; ++c) {
    channels.emplace_back(bench, c, 4);
    bench.write(channel_regs::vector(c), c);
    for (std::uint32_t n = 0; n < 4; ++n) {
      channels[c].put({.host_address = kBuffers + 0x1000 * c,
                       .card_address = 0,
                       .length = static_cast<std::uint32_t>(1 + bench.random(400)),
                       .flags = 0,
                       .cookie = n,
                       .reserved = 0});
    }
    channels[c].control(kRun | kC2h | kCyclic | kInterrupt);
  }
  bench.write64(writer::kRingBaseLo, kBeats);
  bench.write(writer::kRingEntries, 16);
  bench.write(writer::kPeriod, 300);
  bench.write(writer::kVector, kHeartbeatVector);
  bench.write(writer::kInterruptEvery, 1);
  bench.write(writer::kControl, writer::kControlRun.mask() | writer::kControlInterrupt.mask());

  for (int round = 0; round < 60; ++round) {
    bench.hold_sent = bench.random(2) == 0;
    const auto c = static_cast<unsigned>(bench.random(count));
    bench.begin_read(CoreBench::kBar0 + channel_regs::completed_lo(c));
    std::optional<Tlp> answer;
    const auto answered = [&] { return (answer = bench.take_completion()).has_value(); };
    if (!bench.run_until(answered, static_cast<unsigned>(1 + bench.random(400)))) {
      bench.hold_sent = false;
      ASSERT_TRUE(bench.run_until(answered, 20'000));
    }
    std::uint32_t completed = 0;
    std::memcpy(&completed, answer->payload.data(), 4);
    ASSERT_LE(completed, records[c].size());
    if (completed > 0) {
      EXPECT_GE(bench.posted_left, records[c][completed - 1]) << "channel " << c;
    }
    if (HasFailure()) return;
  }
  EXPECT_GT(told.size(), count);
}

INSTANTIATE_TEST_SUITE_P(Seeds, PostedSeeds, ::testing::Range<std::uint64_t>(1, 9));

}  // namespace
}  // namespace holdover::rtl_test
