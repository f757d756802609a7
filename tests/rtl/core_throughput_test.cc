// SPDX-License-Identifier: MIT
// With link and host out of the way the endpoint moves a full beat of payload in nearly every clock, at every width.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/rtl/channel_driver.h"

namespace holdover::rtl_test {
namespace {

constexpr std::uint64_t kBuffers = CoreBench::kLowBase + 0x10'0000;
constexpr unsigned kDescriptors = 8;
constexpr unsigned kDescriptorsMeasured = 24;  // after the first of them has ended

// Takes and answers everything at once.
BenchConfig ideal_host() {
  return {.seed = 91,
          .min_latency = 1,
          .max_latency = 1,
          .sent_latency = 1,
          .np_slots = 120,
          .split = false,
          .reorder = false};
}

// Bytes of the descriptors over what as many full beats carry as there were clocks, from the end of one descriptor to
// that of another: descriptors, records, and beats that an alignment leaves part empty all count as lost.
double share(std::uint32_t mode, std::uint32_t bytes, const BenchConfig& host = ideal_host(),
             std::uint32_t offset = 0) {
  CoreBench bench(host);
  ChannelDriver channel(bench, 0, kDescriptors);
  for (unsigned n = 0; n < kDescriptors; ++n) {
    channel.put({.host_address = kBuffers + offset + std::uint64_t{n % 4} * bytes,
                 .card_address = 0,
                 .length = bytes,
                 .flags = 0,
                 .cookie = n,
                 .reserved = 0});
  }
  channel.control(kRun | kCyclic | mode);
  EXPECT_TRUE(channel.wait().has_value());
  const std::uint64_t begin = bench.now;
  for (unsigned n = 0; n < kDescriptorsMeasured; ++n) EXPECT_TRUE(channel.wait().has_value()) << n;
  const std::uint64_t clocks = bench.now - begin;
  return static_cast<double>(std::uint64_t{bytes} * kDescriptorsMeasured) /
         static_cast<double>(clocks * CoreBench::beat_bytes());
}

TEST(Throughput, ToTheHostFromTheGenerator) {
  for (const std::uint32_t bytes : {65536u, 262144u}) EXPECT_GE(share(kC2h | kPattern, bytes), 0.99) << bytes;
}
TEST(Throughput, ToTheHostFromCardMemory) { EXPECT_GE(share(kC2h, 65536), 0.99); }
TEST(Throughput, ToTheCardsChecker) {
  for (const std::uint32_t bytes : {65536u, 262144u}) EXPECT_GE(share(kPattern, bytes), 0.99) << bytes;
}
TEST(Throughput, ToCardMemory) { EXPECT_GE(share(0, 65536), 0.99); }
TEST(Throughput, WithTheSmallestPacketsFromAnyAddress) {
  BenchConfig host = ideal_host();
  host.max_payload = 0;
  host.max_read_request = 0;
  for (const std::uint32_t offset : {0u, 1u, 60u}) {
    EXPECT_GE(share(kC2h, 65536, host, offset), 0.99) << offset;
    EXPECT_GE(share(0, 65536, host, offset), 0.99) << offset;
  }
}

}  // namespace
}  // namespace holdover::rtl_test
