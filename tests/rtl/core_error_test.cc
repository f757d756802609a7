// SPDX-License-Identifier: MIT
// What the host answers when it does not answer well, and what the endpoint makes of it.
#include <gtest/gtest.h>

#include "pcie/capability.h"
#include "pcie/config_space.h"
#include "pcie/pattern.h"
#include "tests/rtl/channel_driver.h"

namespace holdover::rtl_test {
namespace {

namespace config = pcie::config;
using pcie::Tlp;
using pcie::TlpKind;

constexpr std::uint64_t kBuffers = CoreBench::kLowBase + 0x10'0000;

struct Case {
  Answer answer;
  host::DmaStatus status;
  std::uint32_t uncorrectable = 0;  // what Advanced Error Reporting tells, once nothing is masked
  std::uint32_t correctable = 0;
};

void put_reads(ChannelDriver& channel, std::uint32_t count, std::uint32_t bytes) {
  for (std::uint32_t n = 0; n < count; ++n) {
    channel.put({.host_address = kBuffers, .card_address = 0, .length = bytes, .flags = 0, .cookie = n, .reserved = 0});
  }
}

class CoreError : public ::testing::TestWithParam<Case> {};

TEST_P(CoreError, BecomesTheStatusOfItsDescriptorAndStopsOnlyItsChannel) {
  CoreBench bench({.seed = 41, .max_latency = 300});
  // Far above what 32 KiB of answers take on the narrowest stream.
  bench.write(host::regs::global::kCompletionTimeout, 20'000);
  const unsigned last = CoreBench::channels() - 1;
  ChannelDriver bad(bench, last, 8);
  std::vector<ChannelDriver> others;
  for (unsigned c = 0; c < last; ++c) {
    others.emplace_back(bench, c, 8);
    pcie::fill_pattern(bench.memory(kBuffers + 0x20000 + c * 0x2000, 8 * 1024), others[c].seed(), 0, 0);
  }
  for (std::uint32_t n = 0; n < 8; ++n) {
    bad.put({.host_address = kBuffers + n * 2000,
             .card_address = 0,
             .length = 2000,
             .flags = 0,
             .cookie = n,
             .reserved = 0});
    for (unsigned c = 0; c < last; ++c) {
      others[c].put({.host_address = kBuffers + 0x20000 + c * 0x2000 + n * 1024,
                     .card_address = n * 1024,
                     .length = 1024,
                     .flags = 0,
                     .cookie = n,
                     .reserved = 0});
    }
  }
  bench.answer = [](const Tlp& tlp) {
    const std::uint64_t wrong = kBuffers + 2 * 2000 + 700;
    const bool hit = tlp.address <= wrong && wrong < tlp.address + tlp.length_dw * 4;
    return hit ? GetParam().answer : Answer::Normal;
  };
  bad.ring();
  bad.control(kRun);
  for (auto& other : others) other.control(kRun | kPattern | kCyclic);

  for (std::uint32_t n = 0; n < 2; ++n) {
    const auto record = bad.wait();
    ASSERT_TRUE(record.has_value());
    EXPECT_EQ(status_of(*record), host::DmaStatus::Ok);
    EXPECT_EQ(record->length, 2000u);
  }
  const auto record = bad.wait();
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(status_of(*record), GetParam().status);
  EXPECT_EQ(record->cookie, 2u);
  EXPECT_EQ(record->length, 0u);
  EXPECT_FALSE(bad.wait(30'000).has_value()) << "a stopped channel went on";
  EXPECT_EQ(bad.status(), channel_regs::kStatusIdle.mask() | channel_regs::kStatusStopped.mask() |
                              channel_regs::kStatusError.place(static_cast<std::uint32_t>(GetParam().status)));
  for (unsigned c = 0; c < last; ++c) {
    const std::uint64_t before = bench.read64(channel_regs::completed_lo(c));
    EXPECT_TRUE(bench.run_until([&] { return bench.read64(channel_regs::completed_lo(c)) >= before + 8; }, 10'000))
        << "channel " << c << " stopped too";
    EXPECT_EQ(bench.read(channel_regs::mismatches(c)), 0u);
    EXPECT_EQ(others[c].status() & channel_regs::kStatusStopped.mask(), 0u);
  }

  // RESET leaves the stopped state, and no tag is lost.
  bench.answer = nullptr;
  bad.reset();
  for (std::uint32_t n = 0; n < 8; ++n) {
    bad.put({.host_address = kBuffers, .card_address = 0, .length = 4096, .flags = 0, .cookie = n, .reserved = 0});
  }
  bad.ring();
  bad.control(kRun);
  for (int n = 0; n < 8; ++n) {
    const auto again = bad.wait();
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(status_of(*again), host::DmaStatus::Ok);
  }
}

TEST_P(CoreError, OfADescriptorReadStopsTheChannelAndIsReported) {
  CoreBench bench({.seed = 42});
  const auto aer =
      pcie::find_extended_capability([&](unsigned offset) { return bench.config_read(offset); }, config::kExtCapAer);
  ASSERT_TRUE(aer);
  bench.config_write(*aer + config::kAerCorrectableMask, 0);
  bench.write(host::regs::global::kCompletionTimeout, 3000);
  ChannelDriver channel(bench, 0, 8);
  channel.put({.host_address = kBuffers, .card_address = 0, .length = 64, .flags = 0, .cookie = 1, .reserved = 0});
  bench.answer = [](const Tlp&) { return GetParam().answer; };
  channel.ring();
  channel.control(kRun);
  const auto record = channel.wait();
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(status_of(*record), GetParam().status);
  EXPECT_EQ(channel.status() & channel_regs::kStatusStopped.mask(), channel_regs::kStatusStopped.mask());
  EXPECT_EQ(bench.config_read(*aer + config::kAerUncorrectableStatus), GetParam().uncorrectable);
  EXPECT_EQ(bench.config_read(*aer + config::kAerCorrectableStatus), GetParam().correctable);
}

INSTANTIATE_TEST_SUITE_P(Answers, CoreError,
                         ::testing::Values(Case{Answer::UnsupportedRequest, host::DmaStatus::UnsupportedRequest},
                                           Case{Answer::CompleterAbort, host::DmaStatus::CompleterAbort},
                                           Case{Answer::Poisoned, host::DmaStatus::Poisoned, config::kAerPoisoned,
                                                config::kAerAdvisoryNonFatal},
                                           Case{Answer::Never, host::DmaStatus::Timeout, config::kAerCompletionTimeout},
                                           Case{Answer::ToAnotherFunction, host::DmaStatus::Timeout,
                                                config::kAerCompletionTimeout | config::kAerUnexpectedCompletion,
                                                config::kAerAdvisoryNonFatal},
                                           Case{Answer::FromAnotherAddress, host::DmaStatus::Timeout,
                                                config::kAerCompletionTimeout | config::kAerUnexpectedCompletion,
                                                config::kAerAdvisoryNonFatal}));

TEST(CoreTags, ACompletionThatComesTooLateIsUnexpected) {
  CoreBench bench({.seed = 46});
  const auto aer =
      pcie::find_extended_capability([&](unsigned offset) { return bench.config_read(offset); }, config::kExtCapAer);
  ASSERT_TRUE(aer);
  bench.config_write(*aer + config::kAerCorrectableMask, 0);
  bench.write(host::regs::global::kCompletionTimeout, 3000);
  ChannelDriver channel(bench, 0, 8);
  channel.put({.host_address = kBuffers, .card_address = 0, .length = 64, .flags = 0, .cookie = 1, .reserved = 0});
  bench.hold_answers = true;
  channel.ring();
  channel.control(kRun);
  const auto record = channel.wait();
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(status_of(*record), host::DmaStatus::Timeout);
  EXPECT_EQ(bench.config_read(*aer + config::kAerUncorrectableStatus), config::kAerCompletionTimeout);
  bench.hold_answers = false;
  bench.tick(1000);
  EXPECT_EQ(bench.config_read(*aer + config::kAerUncorrectableStatus),
            config::kAerCompletionTimeout | config::kAerUnexpectedCompletion);
}

TEST(CoreTags, AnAnswerAboveTheMaximumPayloadSizeIsMalformedAndTheReadIsGivenUp) {
  CoreBench bench({.seed = 49, .max_payload = 0, .max_read_request = 2});
  const auto aer =
      pcie::find_extended_capability([&](unsigned offset) { return bench.config_read(offset); }, config::kExtCapAer);
  ASSERT_TRUE(aer);
  bench.config_write(*aer + config::kAerCorrectableMask, 0);
  bench.write(host::regs::global::kCompletionTimeout, 3000);
  ChannelDriver channel(bench, 0, 8);
  for (const bool whole : {false, true, false}) {
    bench.answer = [whole](const Tlp& tlp) {
      return whole && tlp.address == kBuffers ? Answer::WholeAtOnce : Answer::Normal;
    };
    channel.put({.host_address = kBuffers, .card_address = 0, .length = 512, .flags = 0, .cookie = 1, .reserved = 0});
    channel.ring();
    channel.control(kRun);
    const auto record = channel.wait();
    ASSERT_TRUE(record.has_value());
    EXPECT_EQ(status_of(*record), whole ? host::DmaStatus::Timeout : host::DmaStatus::Ok);
    if (!whole) continue;
    EXPECT_EQ(bench.config_read(*aer + config::kAerUncorrectableStatus),
              config::kAerCompletionTimeout | config::kAerMalformed);
    channel.reset();
  }
}

TEST(CoreTags, WhatAnswersAReadOfAFunctionThatWasRenumberedIsUnexpected) {
  CoreBench bench({.seed = 48});
  const auto aer =
      pcie::find_extended_capability([&](unsigned offset) { return bench.config_read(offset); }, config::kExtCapAer);
  ASSERT_TRUE(aer);
  bench.write(host::regs::global::kCompletionTimeout, 3000);
  ChannelDriver channel(bench, 0, 8);
  channel.put({.host_address = kBuffers, .card_address = 0, .length = 64, .flags = 0, .cookie = 1, .reserved = 0});
  bench.hold_answers = true;
  channel.ring();
  channel.control(kRun);
  bench.tick(300);
  EXPECT_EQ(bench.largest_outstanding, 1u);
  bench.bdf = 0x0500;
  bench.config_write(*aer + config::kAerCorrectableMask, 0);
  bench.hold_answers = false;
  const auto record = channel.wait();
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(status_of(*record), host::DmaStatus::Timeout);
  EXPECT_EQ(bench.config_read(*aer + config::kAerUncorrectableStatus),
            config::kAerCompletionTimeout | config::kAerUnexpectedCompletion);
  channel.reset();
  channel.put({.host_address = kBuffers, .card_address = 0, .length = 64, .flags = 0, .cookie = 2, .reserved = 0});
  channel.ring();
  channel.control(kRun);
  const auto again = channel.wait();
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(status_of(*again), host::DmaStatus::Ok);
}

TEST(CoreDescriptor, OfBadLengthIsRefused) {
  for (const std::uint32_t length : {0u, (1u << 24) + 1}) {
    CoreBench bench({.seed = 43});
    ChannelDriver channel(bench, 0, 8);
    channel.put(
        {.host_address = kBuffers, .card_address = 0, .length = length, .flags = 0, .cookie = 9, .reserved = 0});
    channel.ring();
    channel.control(kRun);
    const auto record = channel.wait();
    ASSERT_TRUE(record.has_value());
    EXPECT_EQ(status_of(*record), host::DmaStatus::BadDescriptor);
    EXPECT_EQ(record->cookie, 9u);
  }
}

TEST(CoreTags, NeverMoreThan32WithoutExtendedTagsAndMoreWithThem) {
  for (const bool extended : {false, true}) {
    CoreBench bench({.seed = 44,
                     .min_latency = 800,
                     .max_latency = 900,
                     .np_slots = 200,
                     .max_read_request = 0,
                     .extended_tag = extended});
    ChannelDriver channel(bench, 0, 8);
    for (std::uint32_t n = 0; n < 8; ++n) {
      channel.put(
          {.host_address = kBuffers, .card_address = 0, .length = 32768, .flags = 0, .cookie = n, .reserved = 0});
    }
    channel.ring();
    channel.control(kRun);
    for (int n = 0; n < 3; ++n) ASSERT_TRUE(channel.wait().has_value());
    if (extended)
      EXPECT_GT(bench.largest_outstanding, 150u);
    else
      EXPECT_EQ(bench.largest_outstanding, 32u);
  }
}

// Tags that were drawn or are in flight when the host turns the larger ones off; the bench holds every read against it.
TEST(CoreTags, NoTagAbove31IsUsedOnceTheHostHasTurnedThemOff) {
  CoreBench bench({.seed = 47, .min_latency = 800, .max_latency = 900, .np_slots = 200, .max_read_request = 0});
  ChannelDriver channel(bench, 0, 8);
  put_reads(channel, 8, 32768);
  channel.control(kRun | kCyclic);
  for (int round = 0; round < 8; ++round) {
    const bool extended = round % 2 == 0;
    bench.largest_outstanding = 0;
    bench.set_bus_master(false);
    bench.tick(10);
    bench.config.extended_tag = extended;
    bench.config_write(0x78, (1u << 5) | (extended ? 0x100u : 0u), 0x3);
    bench.set_bus_master(true);
    bench.tick(static_cast<unsigned>(3000 + bench.random(1000)));
    EXPECT_GT(bench.largest_outstanding, extended ? 100u : 20u);
    EXPECT_LE(bench.largest_outstanding, 256u);
  }
}

TEST(CoreTags, ReadsInFlightFitTheCompletionBuffer) {
  CoreBench bench({.seed = 45, .min_latency = 3000, .max_latency = 3100, .np_slots = 250});
  ChannelDriver channel(bench, 0, 8);
  std::uint64_t asked = 0;
  bench.on_request = [&](const Tlp& tlp) {
    if (tlp.kind == TlpKind::MemoryRead) asked += tlp.length_dw * 4u;
  };
  channel.put(
      {.host_address = kBuffers, .card_address = 0, .length = 1u << 20, .flags = 0, .cookie = 0, .reserved = 0});
  channel.ring();
  bench.hold_answers = false;
  channel.control(kRun);
  bench.tick(3000);
  asked = 0;
  ASSERT_TRUE(bench.run_until([&] { return asked > 0; }, 10'000));
  bench.hold_answers = true;
  bench.tick(2000);
  EXPECT_GT(asked, 28u * 1024);
  EXPECT_LE(asked, 32u * 1024);
}

}  // namespace
}  // namespace holdover::rtl_test
