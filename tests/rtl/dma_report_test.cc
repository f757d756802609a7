// SPDX-License-Identifier: MIT
// Completion records, the heartbeat's reader and the pattern checker.
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include "pcie/pattern.h"
#include "pcie/tlp.h"
#include "tests/rtl/dma_parts_fixture.h"

namespace holdover::rtl_test {
namespace {

TEST_F(DmaParts, RecordsOfAllChannelsLeaveWholeAndInTurn) {
  parts->report_valid_i = 0b1111;
  std::vector<unsigned> order;
  std::vector<std::uint64_t> beats;
  for (int n = 0; n < 200 && order.size() < 8; ++n) {
    parts->report_out_ready_i = draw.one_in(2);
    parts.settle();
    if (parts->report_out_valid_o && parts->report_out_ready_i) {
      beats.push_back(parts->report_out_data_o);
      ASSERT_EQ(parts->report_out_eop_o != 0, beats.size() == 2);
      if (beats.size() == 2) {
        host::DmaCompletion record;
        std::memcpy(&record, beats.data(), sizeof record);
        const unsigned channel = record.status >> 8 & 15;
        const auto tlp = pcie::decode_header(sample_header(parts->report_out_header_o));
        ASSERT_TRUE(tlp);
        EXPECT_EQ(tlp->address, 0x8000u + 0x100 * channel);
        EXPECT_EQ(tlp->length_dw, 4);
        EXPECT_EQ(record.sequence, 7000 + channel);
        EXPECT_EQ(record.length, 100 + channel);
        EXPECT_EQ(record.cookie, 0xC00C'1E00u + channel);
        EXPECT_EQ(record.status & 0xff, channel);
        EXPECT_EQ((record.status & host::kCompletionPhase) != 0, channel % 2 == 1);
        EXPECT_EQ(parts->report_done_o, 1u << channel);
        order.push_back(channel);
        beats.clear();
      }
    } else {
      EXPECT_EQ(parts->report_done_o, 0);
    }
    parts.edge();
  }
  ASSERT_EQ(order.size(), 8u);
  for (std::size_t n = 4; n < 8; ++n) EXPECT_EQ(order[n], order[n - 4]);
  EXPECT_EQ(1u << order[0] | 1u << order[1] | 1u << order[2] | 1u << order[3], 15u);
}

TEST_F(DmaParts, ARecordIsDroppedOnlyBeforeItBegan) {
  parts->report_valid_i = 0b0100;
  clocks(1);
  parts->report_valid_i = 0;
  ASSERT_EQ(parts->report_busy_o, 0b0100);
  parts->report_abort_i = 0b0100;
  parts.settle();
  EXPECT_FALSE(parts->report_out_valid_o);
  clocks(1);
  EXPECT_EQ(parts->report_busy_o, 0);

  parts->report_abort_i = 0;
  parts->report_valid_i = 0b0010;
  clocks(1);
  parts->report_valid_i = 0;
  parts->report_out_ready_i = 1;
  clocks(1);  // the first beat has left
  parts->report_out_ready_i = 0;
  parts->report_abort_i = 0b0010;
  parts.settle();
  EXPECT_TRUE(parts->report_out_valid_o && parts->report_out_eop_o);
  parts->report_out_ready_i = 1;
  parts.settle();
  EXPECT_EQ(parts->report_done_o, 0b0010);
}

class HeartbeatReader : public DmaParts {
 protected:
  HeartbeatReader() {
    parts->beat_entries_i = 3;
    parts->beat_period_i = 20;
    parts->beat_run_i = 1;
  }
  // Clocks until a read is offered.
  unsigned wait() {
    unsigned count = 0;
    parts.settle();
    while (!parts->beat_valid_o && count < 100) {
      clocks(1);
      ++count;
    }
    return count;
  }
  void take() {
    parts->beat_take_i = 1;
    clocks(1);
    parts->beat_take_i = 0;
    parts.settle();
  }
  void finish(DmaStatus status = DmaStatus::Ok, unsigned wrong = 0) {
    if (status == DmaStatus::Ok) {
      for (const bool last : {false, true}) {
        parts->beat_checked_i = 1;
        parts->beat_checked_last_i = last;
        parts->beat_wrong_i = last ? 0 : static_cast<std::uint8_t>(wrong);
        clocks(1);
      }
      parts->beat_checked_i = 0;
    }
    parts->beat_status_i = raw(status);
    parts->beat_finish_i = 1;
    clocks(1);
    parts->beat_finish_i = 0;
    parts.settle();
  }
};

TEST_F(HeartbeatReader, ReadsCellAfterCellAtItsPace) {
  wait();
  std::uint64_t last = parts.clocks();
  for (unsigned n = 0; n < 10; ++n) {
    ASSERT_TRUE(parts->beat_valid_o);
    EXPECT_EQ(parts->beat_address_o, 0x1'0000'0000 + 32 * (n % 3));
    take();
    wait();
    EXPECT_EQ(parts.clocks() - last, 20u);
    last = parts.clocks();
  }
}

TEST_F(HeartbeatReader, SixteenWaitAndThenTheOldestIsMissedAndItsCellSkipped) {
  wait();
  clocks(15 * 20 + 5);
  EXPECT_EQ(parts->beat_missed_o, 0u);
  EXPECT_EQ(parts->beat_address_o, 0x1'0000'0000);
  clocks(2 * 20);
  EXPECT_EQ(parts->beat_missed_o, 2u);
  EXPECT_EQ(parts->beat_address_o, 0x1'0000'0000 + 32 * 2);
}

TEST_F(HeartbeatReader, CountsWhatComesBackByHowItCameBack) {
  for (const auto& [status, wrong] : {std::pair{DmaStatus::Ok, 0u}, std::pair{DmaStatus::Ok, 3u},
                                      std::pair{DmaStatus::Timeout, 0u}, std::pair{DmaStatus::Ok, 0u}}) {
    wait();
    take();
    finish(status, wrong);
  }
  EXPECT_EQ(parts->beat_count_o, 3u);
  EXPECT_EQ(parts->beat_mismatches_o, 1u);
  EXPECT_EQ(parts->beat_failed_o, 1u);
  EXPECT_EQ(parts->beat_missed_o, 0u);
}

TEST_F(HeartbeatReader, ANewRunWaitsForTheReadsOfTheLastOne) {
  wait();
  take();
  parts->beat_run_i = 0;
  clocks(50);
  EXPECT_FALSE(parts->beat_valid_o);
  EXPECT_FALSE(parts->beat_idle_o);
  parts->beat_run_i = 1;
  clocks(50);
  EXPECT_FALSE(parts->beat_valid_o);
  finish();
  EXPECT_LT(wait(), 30u);
  EXPECT_EQ(parts->beat_address_o, 0x1'0000'0000u);
  EXPECT_EQ(parts->beat_count_o, 0u) << "counts begin anew with a run";
  parts->beat_run_i = 0;
  clocks(3);
  EXPECT_FALSE(parts->beat_valid_o);
  EXPECT_TRUE(parts->beat_idle_o);
}

TEST_F(DmaParts, ThePatternCheckerCountsEnabledBytesThatDiffer) {
  for (unsigned n = 0; n < 500; ++n) {
    const std::uint32_t seed = draw.below(~0u);
    const std::uint64_t offset = draw.below(1u << 30);
    std::array<std::byte, 8> data;
    pcie::fill_pattern(data, seed, 0, offset);
    const unsigned enables = draw.below(256);
    unsigned wrong = 0;
    for (unsigned i = 0; i < 8; ++i) {
      if (!draw.one_in(4)) continue;
      data[i] ^= static_cast<std::byte>(1 + draw.below(255));
      wrong += enables >> i & 1u;
    }
    parts->check_valid_i = 1;
    parts->check_owner_i = static_cast<std::uint8_t>(n);
    parts->check_seed_i = seed;
    parts->check_offset_i = offset;
    parts->check_be_i = static_cast<std::uint8_t>(enables);
    std::memcpy(&parts->check_data_i, data.data(), data.size());
    clocks(1);
    parts->check_valid_i = 0;
    clocks(1);
    EXPECT_FALSE(parts->check_valid_o);
    clocks(1);
    ASSERT_TRUE(parts->check_valid_o);
    EXPECT_EQ(parts->check_owner_o, n & 255);
    EXPECT_EQ(parts->check_checked_o, static_cast<unsigned>(__builtin_popcount(enables)));
    EXPECT_EQ(parts->check_mismatches_o, wrong);
    clocks(1);
    EXPECT_FALSE(parts->check_valid_o);
  }
}

}  // namespace
}  // namespace holdover::rtl_test
