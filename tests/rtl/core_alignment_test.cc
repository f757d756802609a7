// SPDX-License-Identifier: MIT
// Short copies at every alignment of both ends, and long ones at random. Each batch is a ring full of descriptors with
// a place of its own in both memories; all bytes of both are compared afterwards, those around the copies too.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "pcie/pattern.h"
#include "tests/rtl/channel_driver.h"

namespace holdover::rtl_test {
namespace {

constexpr std::uint32_t kCardBytes = 65536;
constexpr std::uint64_t kPlaces = CoreBench::kLowBase + 0x10'0000;  // what the copies read or write
constexpr std::uint64_t kImage = CoreBench::kLowBase + 0x20'0000;   // what card memory holds
constexpr std::uint32_t kMaxLength = 1u << 24;

// Set by `make matrix`: every combination instead of a choice that meets every pair.
bool is_thorough() { return std::getenv("HOLDOVER_THOROUGH") != nullptr; }

struct Copy {
  std::uint32_t host_offset;  // from kPlaces
  std::uint32_t card_offset;
  std::uint32_t length;
};

class CoreAlignment : public ::testing::TestWithParam<bool> {
 protected:
  static constexpr std::uint32_t kEntries = 256;

  [[nodiscard]] bool is_c2h() const { return GetParam(); }

  void one(const host::DmaDescriptor& descriptor, std::uint32_t control) {
    channel_.control(control);
    channel_.put(descriptor);
    channel_.ring();
    const auto record = channel_.wait(50'000);
    ASSERT_TRUE(record.has_value());
    ASSERT_EQ(status_of(*record), host::DmaStatus::Ok);
    ASSERT_TRUE(bench_.run_until([&] { return channel_.is_idle(); }, 100));
  }
  void whole_card(std::uint32_t control) {
    one({.host_address = kImage, .card_address = 0, .length = kCardBytes, .flags = 0, .cookie = 0, .reserved = 0},
        control | kRun);
  }

  // Runs the copies, all in one ring, and compares.
  void run(const std::vector<Copy>& copies, std::uint32_t host_bytes) {
    const auto host = bench_.memory(kPlaces, host_bytes);
    const auto image = bench_.memory(kImage, kCardBytes);
    for (std::byte& byte : host) byte = static_cast<std::byte>(bench_.random(256));
    for (std::byte& byte : image) byte = static_cast<std::byte>(bench_.random(256));
    std::vector<std::byte> host_after(host.begin(), host.end());
    std::vector<std::byte> card_after(image.begin(), image.end());
    whole_card(0);
    if (HasFatalFailure()) return;
    for (const Copy& copy : copies) {
      const auto from = is_c2h() ? card_after.begin() + copy.card_offset : host_after.begin() + copy.host_offset;
      const auto to = is_c2h() ? host_after.begin() + copy.host_offset : card_after.begin() + copy.card_offset;
      std::copy_n(from, copy.length, to);
    }
    channel_.control((is_c2h() ? kC2h : 0) | kRun);
    for (const Copy& copy : copies) {
      channel_.put({.host_address = kPlaces + copy.host_offset,
                    .card_address = copy.card_offset,
                    .length = copy.length,
                    .flags = 0,
                    .cookie = copy.length,
                    .reserved = 0});
    }
    channel_.ring();
    for (const Copy& copy : copies) {
      const auto record = channel_.wait(50'000);
      ASSERT_TRUE(record.has_value());
      ASSERT_EQ(status_of(*record), host::DmaStatus::Ok);
      ASSERT_EQ(record->length, copy.length);
      ASSERT_EQ(record->cookie, copy.length);
    }
    ASSERT_TRUE(bench_.run_until([&] { return channel_.is_idle(); }, 100));
    compare(copies, host, host_after, "host memory", false);
    whole_card(kC2h);
    compare(copies, image, card_after, "card memory", true);
  }

  // Names the copy nearest to the first byte that is wrong.
  void compare(const std::vector<Copy>& copies, std::span<const std::byte> is, std::span<const std::byte> expected,
               const char* what, bool of_card) {
    const auto at = static_cast<std::uint32_t>(std::ranges::mismatch(is, expected).in1 - is.begin());
    if (at == is.size()) return;
    const auto near = std::ranges::min_element(copies, {}, [&](const Copy& copy) {
      const std::uint32_t start = of_card ? copy.card_offset : copy.host_offset;
      return start > at ? start - at : at - start;
    });
    FAIL() << what << " at +" << at << ", near host +" << near->host_offset << " card +" << near->card_offset
           << " length " << near->length << (is_c2h() ? " C2H" : " H2C") << ", seed " << bench_.config.seed;
  }

  CoreBench bench_{{.seed = 401, .min_latency = 5, .max_latency = 40}};
  ChannelDriver channel_{bench_, 0, kEntries};
};

// Alignments count from a beat's start; a request sees the host's end of a copy in double words. So of the combinations
// of both alignments and a length, the choice meets each of card alignment, host byte in its double word and length,
// and each pair of alignments.
TEST_P(CoreAlignment, OfBothEndsAndEveryShortLength) {
  const auto beat = static_cast<std::uint32_t>(CoreBench::beat_bytes());
  const std::uint32_t longest = beat + 8;
  const std::uint32_t place = 2 * beat + longest;  // copies do not touch: what is between them must not change
  std::vector<Copy> batch;
  const std::uint32_t most = std::min(kEntries, kCardBytes / place);
  for (std::uint32_t length = 1; length <= longest; ++length) {
    for (std::uint32_t host = 0; host < beat; ++host) {
      if (!is_thorough() && host / 4 != (length - 1) % (beat / 4)) continue;
      for (std::uint32_t card = 0; card < beat; ++card) {
        const auto start = static_cast<std::uint32_t>(batch.size()) * place;
        batch.push_back({start / beat * beat + host, start / beat * beat + card, length});
        if (batch.size() < most) continue;
        run(batch, most * place);
        if (HasFatalFailure()) return;
        batch.clear();
      }
    }
  }
  if (!batch.empty()) run(batch, most * place);
}

// Across pages, payloads and read requests, with other sizes of these in each round.
TEST_P(CoreAlignment, OfRandomLongCopies) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE(::testing::Message() << "round " << seed);
    bench_.config.max_payload = static_cast<unsigned>(bench_.random(4));
    bench_.config.max_read_request = static_cast<unsigned>(bench_.random(4));
    bench_.configure();
    std::vector<Copy> copies;
    // Each half of card memory is used once: copies of a round do not depend on their order.
    for (std::uint32_t half = 0; half < 2; ++half) {
      const auto length = static_cast<std::uint32_t>(1 + bench_.random(kCardBytes / 2 - 300));
      copies.push_back({half * kCardBytes / 2 + static_cast<std::uint32_t>(bench_.random(300)),
                        half * kCardBytes / 2 + static_cast<std::uint32_t>(bench_.random(300)), length});
    }
    run(copies, kCardBytes);
    if (HasFatalFailure()) return;
  }
}

// The longest descriptor, from and to the pattern. Two million beats on the narrowest endpoint: `make matrix` only.
TEST_P(CoreAlignment, OfSixteenMebibytes) {
  if (!is_thorough()) GTEST_SKIP() << "long; set HOLDOVER_THOROUGH";
  BenchConfig config{.seed = 402, .max_payload = 3, .max_read_request = 3};
  config.window = 17u << 20;
  CoreBench bench(config);
  ChannelDriver channel(bench, 0, 4);
  const std::uint64_t base = CoreBench::kLowBase + 0x2'0000 + 1 + bench.random(CoreBench::beat_bytes() - 1);
  const auto host = bench.memory(base, kMaxLength);
  if (!is_c2h()) pcie::fill_pattern(host, channel.seed(), 0, 0);
  channel.put({.host_address = base, .card_address = 0, .length = kMaxLength, .flags = 0, .cookie = 1, .reserved = 0});
  channel.ring();
  channel.control((is_c2h() ? kC2h : 0) | kRun | kPattern);
  const auto record = channel.wait(static_cast<unsigned>(4 * kMaxLength / CoreBench::beat_bytes()));
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(status_of(*record), host::DmaStatus::Ok);
  EXPECT_EQ(record->length, kMaxLength);
  EXPECT_EQ(bench.read64(channel_regs::bytes_lo(0)), kMaxLength);
  if (is_c2h()) {
    EXPECT_EQ(pcie::first_mismatch(host, channel.seed(), 0, 0), kMaxLength);
  } else {
    ASSERT_TRUE(bench.run_until([&] { return channel.is_idle(); }, 100));
    EXPECT_EQ(bench.read64(channel_regs::checked_lo(0)), kMaxLength);
    EXPECT_EQ(bench.read(channel_regs::mismatches(0)), 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(Directions, CoreAlignment, ::testing::Bool(), [](const auto& direction) {
  return direction.param ? std::string("ToTheHost") : std::string("ToTheCard");
});

}  // namespace
}  // namespace holdover::rtl_test
