// SPDX-License-Identifier: MIT
// The small parts of the endpoint against what each says of itself.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <vector>

#include "pcie/pattern.h"
#include "tests/rtl/parts_fixture.h"

namespace holdover::rtl_test {
namespace {

TEST_F(Parts, FifoKeepsOrderAndLosesNothing) {
  std::deque<std::uint32_t> inside;
  std::uint32_t next = 0;
  bool was_full = false;
  for (int n = 0; n < 2000; ++n) {
    parts->fifo_in_valid_i = draw.one_in(2);
    parts->fifo_in_beat_i = next;
    parts->fifo_out_ready_i = n % 100 > 20 && draw.one_in(2);
    parts.settle();
    EXPECT_EQ(parts->fifo_out_valid_o != 0, !inside.empty());
    EXPECT_EQ(parts->fifo_in_ready_o != 0, inside.size() < 4);
    was_full = was_full || inside.size() == 4;
    if (parts->fifo_out_valid_o && parts->fifo_out_ready_i) {
      ASSERT_EQ(parts->fifo_out_beat_o, inside.front());
      inside.pop_front();
    }
    if (parts->fifo_in_valid_i && parts->fifo_in_ready_o) inside.push_back(next++);
    parts.edge();
  }
  EXPECT_TRUE(was_full);
}

TEST_F(Parts, RegisterPassesOneBeatPerClock) {
  parts->register_in_valid_i = 1;
  parts->register_out_ready_i = 1;
  for (std::uint32_t n = 0; n < 50; ++n) {
    parts->register_in_beat_i = n;
    parts.settle();
    EXPECT_TRUE(parts->register_in_ready_o);
    if (n > 0) {
      EXPECT_EQ(parts->register_out_beat_o, n - 1);
    }
    parts.edge();
  }
}

TEST_F(Parts, RoundRobinServesEveryoneWithinOneRound) {
  std::array<int, 5> waited{};
  for (int n = 0; n < 5000; ++n) {
    const unsigned request = draw.below(32) | 1u << (n % 3);
    parts->turn_request_i = static_cast<std::uint8_t>(request);
    parts->turn_take_i = 1;
    parts.settle();
    const unsigned index = parts->turn_index_o;
    ASSERT_TRUE(parts->turn_any_o);
    ASSERT_TRUE((request >> index) & 1u) << "took what nobody asked for";
    for (unsigned i = 0; i < 5; ++i) {
      waited[i] = i == index || ((request >> i) & 1u) == 0 ? 0 : waited[i] + 1;
      ASSERT_LE(waited[i], 5);
    }
    parts.edge();
  }
}

TEST_F(Parts, SplitterCutsAtTheLimitAndNeverAcrossFourKiB) {
  for (unsigned limit = 0; limit < 6; ++limit) {
    for (int n = 0; n < 500; ++n) {
      const unsigned address = draw.below(4096);
      const unsigned remaining = 1 + draw.below(draw.one_in(2) ? 300 : 20'000);
      parts->split_address_i = static_cast<std::uint16_t>(address);
      parts->split_remaining_i = remaining;
      parts->split_limit_i = static_cast<std::uint8_t>(limit);
      parts.settle();
      const unsigned bytes = parts->split_bytes_o;
      const unsigned size = 128u << limit;
      ASSERT_GT(bytes, 0u);
      ASSERT_LE(bytes, remaining);
      ASSERT_LE((address & 3) + bytes, size);
      ASSERT_LE(address + bytes, 4096u);
      if (bytes < remaining) {
        ASSERT_EQ((address + bytes) % size, 0u);
      }
    }
  }
}

TEST_F(Parts, PatternIsTheFunctionOfPcie) {
  for (int n = 0; n < 1000; ++n) {
    const std::uint32_t seed = draw.below(~0u);
    const std::uint32_t lap = n % 2 == 0 ? 0 : draw.below(~0u);
    const std::uint64_t offset = draw.below(~0u) * std::uint64_t{4} + draw.below(4);
    parts->pattern_valid_i = 1;
    parts->pattern_key_i = seed ^ (lap * 0x85EBCA77u);
    parts->pattern_offset_i = offset;
    parts.edge();
    parts->pattern_valid_i = 0;
    parts.edge();
    std::array<std::byte, 32> bytes{};
    std::memcpy(bytes.data(), &parts->pattern_data_o, bytes.size());
    ASSERT_EQ(pcie::first_mismatch(bytes, seed, lap, offset), bytes.size()) << "offset " << offset;
  }
}

TEST_F(Parts, CardMemoryTakesAnyAlignmentEveryClock) {
  std::vector<std::byte> expected(4096);
  std::deque<std::vector<std::byte>> reads;
  for (int n = 0; n < 5000; ++n) {
    // Read at one address while writing at another.
    const unsigned read = draw.below(4096);
    parts->memory_read_i = 1;
    parts->memory_read_address_i = static_cast<std::uint16_t>(read);
    std::vector<std::byte> want(32);
    for (unsigned i = 0; i < 32; ++i) want[i] = expected[(read + i) % 4096];
    reads.push_back(want);

    const unsigned write = draw.below(4096);
    const std::uint32_t enables = draw.one_in(2) ? ~0u : draw.below(~0u);
    parts->memory_write_i = 1;
    parts->memory_write_address_i = static_cast<std::uint16_t>(write);
    parts->memory_write_be_i = enables;
    std::array<std::byte, 32> data{};
    for (std::byte& byte : data) byte = static_cast<std::byte>(draw.below(256));
    std::memcpy(&parts->memory_write_data_i, data.data(), data.size());
    for (unsigned i = 0; i < 32; ++i) {
      if ((enables >> i) & 1u) expected[(write + i) % 4096] = data[i];
    }
    parts.edge();
    if (reads.size() == 2) {
      std::vector<std::byte> found(32);
      std::memcpy(found.data(), &parts->memory_read_data_o, found.size());
      ASSERT_EQ(found, reads.front()) << "clock " << n;
      reads.pop_front();
    }
  }
}

TEST_F(Parts, CardMemoryWipeLeavesNothing) {
  std::memset(&parts->memory_write_data_i, 0xff, 32);
  parts->memory_write_be_i = ~0u;
  parts->memory_write_i = 1;
  for (unsigned address = 0; address < 4096; address += 32) {
    parts->memory_write_address_i = static_cast<std::uint16_t>(address);
    parts.edge();
  }
  parts->memory_write_i = 0;
  parts->memory_wipe_i = 1;
  while (!parts->memory_wiped_o) parts.edge();
  parts->memory_wipe_i = 0;
  parts->memory_read_i = 1;
  for (unsigned address = 0; address < 4096; address += 32) {
    parts->memory_read_address_i = static_cast<std::uint16_t>(address);
    parts.edge();
    parts.edge();
    const std::array<std::byte, 32> zero{};
    ASSERT_EQ(std::memcmp(&parts->memory_read_data_o, zero.data(), 32), 0) << address;
  }
}

TEST_F(Parts, AnnouncementWaitsForItsWriteAcrossTheWrap) {
  std::uint16_t count = 0xfff0;
  for (int n = 0; n < 40; ++n) {
    parts->announce_sent_i = count;
    ++count;
    parts->announce_count_i = count;
    parts->announce_trigger_i = 1;
    parts.edge();
    parts->announce_trigger_i = 0;
    for (int wait = 0; wait < 5; ++wait) {
      parts.edge();
      ASSERT_FALSE(parts->announce_valid_o);
    }
    parts->announce_sent_i = count;
    parts.edge();
    parts.edge();
    ASSERT_TRUE(parts->announce_valid_o);
    parts->announce_ready_i = 1;
    parts.edge();
    parts->announce_ready_i = 0;
    parts.edge();
    ASSERT_FALSE(parts->announce_valid_o);
  }
}

TEST_F(Parts, AnnouncementsInFlightMergeBehindTheFourth) {
  for (std::uint16_t n = 1; n <= 9; ++n) {
    parts->announce_trigger_i = 1;
    parts->announce_count_i = n;
    parts.edge();
  }
  parts->announce_trigger_i = 0;
  parts->announce_ready_i = 1;
  const auto events = [&](std::uint16_t sent) {
    int seen = 0;
    parts->announce_sent_i = sent;
    for (int n = 0; n < 30; ++n) {
      parts.settle();
      seen += parts->announce_valid_o;
      parts.edge();
    }
    return seen;
  };
  EXPECT_EQ(events(3), 3);
  EXPECT_EQ(events(8), 0) << "the merged one waits for the youngest write";
  EXPECT_EQ(events(9), 1);
}

}  // namespace
}  // namespace holdover::rtl_test
