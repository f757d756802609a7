// SPDX-License-Identifier: MIT
// Copies through the whole endpoint: every byte arrives where it belongs and no other byte changes, whatever the
// alignment, the length, and the order in which the host answers.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/rtl/channel_driver.h"

namespace holdover::rtl_test {
namespace {

constexpr std::uint64_t kData = CoreBench::kLowBase + 0x10'0000;
constexpr std::size_t kArea = 16384;

struct Copy {
  bool c2h;
  std::uint64_t host_offset;
  std::uint64_t card_offset;
  std::uint32_t length;
};

void fill_random(CoreBench& bench, std::span<std::byte> bytes) {
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(bench.random(256));
}

class CoreCopy : public ::testing::Test {
 protected:
  void start(const BenchConfig& config) {
    bench_.emplace(config);
    channel_.emplace(*bench_, 0, 8);
  }

  // Copies once and compares both memories with what a copy makes of them.
  void copy(const Copy& what) {
    SCOPED_TRACE(::testing::Message() << "seed " << bench_->config.seed << (what.c2h ? " C2H" : " H2C") << " host +"
                                      << what.host_offset << " card +" << what.card_offset << " length "
                                      << what.length);
    const auto area = bench_->memory(kData, kArea);
    fill_random(*bench_, area);
    std::vector<std::byte> host(area.begin(), area.end());
    std::vector<std::byte> card = bench_->card(0, kArea);
    for (std::uint32_t n = 0; n < what.length; ++n) {
      if (what.c2h)
        host[what.host_offset + n] = card[what.card_offset + n];
      else
        card[what.card_offset + n] = host[what.host_offset + n];
    }
    channel_->control((what.c2h ? kC2h : 0) | kRun);
    channel_->put({.host_address = kData + what.host_offset,
                   .card_address = what.card_offset,
                   .length = what.length,
                   .flags = 0,
                   .cookie = 0xC0FFEE,
                   .reserved = 0});
    channel_->ring();
    const auto record = channel_->wait();
    ASSERT_TRUE(record.has_value());
    EXPECT_EQ(status_of(*record), host::DmaStatus::Ok);
    EXPECT_EQ(record->length, what.length);
    EXPECT_EQ(record->cookie, 0xC0FFEEu);
    ASSERT_TRUE(bench_->run_until([&] { return channel_->is_idle(); }, 100));
    EXPECT_TRUE(std::ranges::equal(host, area)) << "host memory";
    EXPECT_EQ(card, bench_->card(0, kArea)) << "card memory";
    channel_->control(0);
  }

  std::optional<CoreBench> bench_;
  std::optional<ChannelDriver> channel_;
};

TEST_F(CoreCopy, MovesEveryAlignmentToTheCard) {
  start({.seed = 11});
  for (std::uint64_t host = 0; host < 8; ++host) {
    for (std::uint64_t card = 0; card < 40; card += 3) {
      copy({false, 4096 - 100 + host, 64 + card, static_cast<std::uint32_t>(1 + bench_->random(300))});
      if (HasFailure()) return;
    }
  }
}

TEST_F(CoreCopy, MovesEveryAlignmentToTheHost) {
  start({.seed = 12});
  for (std::uint64_t host = 0; host < 8; ++host) {
    for (std::uint64_t card = 0; card < 40; card += 3) {
      copy({true, 4096 - 100 + host, 64 + card, static_cast<std::uint32_t>(1 + bench_->random(300))});
      if (HasFailure()) return;
    }
  }
}

TEST_F(CoreCopy, MovesShortLengthsWhole) {
  start({.seed = 13});
  for (std::uint32_t length = 1; length <= 20; ++length) {
    for (std::uint64_t host = 0; host < 4; ++host) {
      copy({false, 4088 + host, 31, length});
      copy({true, 4088 + host, 31, length});
      if (HasFailure()) return;
    }
  }
}

class CoreCopySeeds : public CoreCopy, public ::testing::WithParamInterface<std::uint64_t> {};

TEST_P(CoreCopySeeds, MovesRandomCopiesWhole) {
  const std::uint64_t seed = GetParam();
  BenchConfig config{.seed = seed};
  config.max_payload = static_cast<unsigned>(seed % 3);
  config.max_read_request = static_cast<unsigned>(seed % 4);
  config.extended_tag = seed % 2 == 0;
  config.tx_ready_percent = seed % 3 == 0 ? 60 : 100;
  config.np_slots = seed % 5 == 0 ? 2 : 32;
  config.max_latency = seed % 4 == 1 ? 1200 : 200;
  start(config);
  for (int n = 0; n < 12; ++n) {
    const std::uint64_t host = bench_->random(8192);
    const std::uint64_t card = bench_->random(8192);
    copy({bench_->random(2) == 0, host, card, static_cast<std::uint32_t>(1 + bench_->random(6000))});
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, CoreCopySeeds, ::testing::Range<std::uint64_t>(1, 13));

}  // namespace
}  // namespace holdover::rtl_test
