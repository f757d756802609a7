// SPDX-License-Identifier: MIT
// The heartbeat's writer alone, with a record of four beats: deadlines, what is dropped and what is announced.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <vector>

#include "Vparts_top.h"
#include "host/driver/dma_abi.h"
#include "tests/rtl/clocked_model.h"

namespace holdover::rtl_test {
namespace {

class HeartbeatWriterModule : public ::testing::Test {
 protected:
  struct Written {
    host::HeartbeatRecord record;
    std::uint32_t address;
    std::uint64_t ended;  // clock of the last beat
  };

  HeartbeatWriterModule() {
    parts->rst_ni = 0;
    parts.edges(3);
    parts->rst_ni = 1;
    parts->beat_entries_i = 4;
    parts->beat_period_i = 20;
    parts->beat_every_i = 1;
    parts->beat_ready_i = 1;
  }

  void clock() {
    parts->beat_time_i = now;
    parts->beat_posted_count_i = posted;
    parts.settle();
    if (parts->beat_valid_o && parts->beat_ready_i) {
      if (beats.empty()) {
        address = parts->beat_address_o;
        ++posted;
      }
      beats.push_back(parts->beat_data_o);
      EXPECT_EQ(parts->beat_eop_o != 0, beats.size() == 4);
      if (beats.size() == 4) {
        Written last{.record = {}, .address = address, .ended = now};
        std::memcpy(&last.record, beats.data(), sizeof(last.record));
        written.push_back(last);
        beats.clear();
      }
    }
    announced += parts->beat_event_o;
    parts.edge();
    ++now;
  }
  void clocks(std::uint64_t count) {
    for (std::uint64_t n = 0; n < count; ++n) clock();
  }
  // Each record is whole, and stamped with its own deadline, `first` clocks plus a multiple of the period.
  void expect_pace(std::uint64_t period) {
    for (const Written& each : written) {
      EXPECT_EQ(each.record.check, ~(each.record.sequence ^ each.record.time));
      EXPECT_EQ(each.record.time,
                written[0].record.time + (each.record.sequence - written[0].record.sequence) * period);
      EXPECT_EQ(each.address, 0x1000'0000u + 32 * (each.record.sequence % parts->beat_entries_i));
    }
  }

  ClockedModel<Vparts_top> parts;
  Draw draw{11};
  std::uint64_t now = 1000;
  std::uint16_t posted = 0xfffe;  // wraps during the test
  unsigned announced = 0;
  std::uint32_t address = 0;
  std::vector<std::uint64_t> beats;
  std::vector<Written> written;
};

TEST_F(HeartbeatWriterModule, KeepsItsPaceWhateverTheLinkDoesAndAccountsForEveryNumber) {
  parts->beat_run_i = 1;
  for (int n = 0; n < 20'000; ++n) {
    parts->beat_ready_i = n % 2000 < 1000 ? draw.one_in(2) : draw.one_in(40);
    clock();
  }
  ASSERT_GT(written.size(), 100u);
  expect_pace(20);
  std::uint64_t missed = 0;
  for (std::size_t n = 1; n < written.size(); ++n) {
    const auto& last = written[n - 1].record;
    ASSERT_GT(written[n].record.sequence, last.sequence);
    missed += written[n].record.sequence - last.sequence - 1;
    // What a record says of the missed ones is how many came before it.
    EXPECT_EQ(written[n].record.missed, missed) << n;
  }
  EXPECT_GT(missed, 50u);
  parts->beat_ready_i = 1;
  clocks(10);
  parts->beat_run_i = 0;
  clocks(10);
  EXPECT_EQ(parts->beat_sequence_o, written.size() + parts->beat_missed_o);
}

TEST_F(HeartbeatWriterModule, ARecordIsNeverSplicedWithTheNext) {
  parts->beat_run_i = 1;
  parts->beat_ready_i = 0;
  clocks(25);
  ASSERT_TRUE(parts->beat_valid_o);
  parts->beat_ready_i = 1;
  clock();  // it has begun to leave
  parts->beat_ready_i = 0;
  clocks(18 * 20 + 5);  // sixteen wait, two are too many
  parts->beat_ready_i = 1;
  clocks(100);
  ASSERT_GE(written.size(), 18u);
  EXPECT_EQ(written[0].record.sequence, 0u);
  EXPECT_EQ(written[1].record.sequence, 3u);
  EXPECT_EQ(written[1].record.missed, 2u);
  expect_pace(20);
}

TEST_F(HeartbeatWriterModule, RecordsThatWaitedAllLeaveInOrder) {
  parts->beat_run_i = 1;
  parts->beat_ready_i = 0;
  clocks(17 * 20 + 5);  // one to leave next, and sixteen behind it
  parts->beat_ready_i = 1;
  clocks(17 * 5 + 60);
  ASSERT_GE(written.size(), 18u);
  for (std::size_t n = 0; n < written.size(); ++n) EXPECT_EQ(written[n].record.sequence, n);
  EXPECT_EQ(parts->beat_missed_o, 0u);
  expect_pace(20);
}

TEST_F(HeartbeatWriterModule, APeriodBelowSixteenIsSixteen) {
  parts->beat_period_i = 3;
  parts->beat_run_i = 1;
  clocks(200);
  ASSERT_GT(written.size(), 8u);
  expect_pace(16);
  EXPECT_EQ(written[0].record.period, 16u);
  EXPECT_EQ(parts->beat_missed_o, 0u);
}

TEST_F(HeartbeatWriterModule, WithRunAtZeroOnlyARecordThatHasBegunStillLeaves) {
  for (const bool begun : {false, true}) {
    written.clear();
    parts->beat_run_i = 1;
    parts->beat_ready_i = 0;
    clocks(50);  // one to leave next, one behind it
    parts->beat_ready_i = begun;
    clock();
    parts->beat_ready_i = 0;
    parts->beat_run_i = 0;
    clocks(5);
    EXPECT_EQ(parts->beat_valid_o != 0, begun);
    parts->beat_ready_i = 1;
    clocks(100);
    EXPECT_EQ(written.size(), begun ? 1u : 0u);
    EXPECT_EQ(parts->beat_sequence_o, written.size());
    EXPECT_EQ(parts->beat_missed_o, 0u);
  }
}

TEST_F(HeartbeatWriterModule, EveryNthRecordIsAnnouncedWhenItHasLeft) {
  parts->beat_interrupt_i = 1;
  parts->beat_every_i = 3;
  parts->beat_posted_sent_i = posted;
  parts->beat_run_i = 1;
  while (written.size() < 7) clock();
  clocks(3);
  EXPECT_EQ(announced, 0u);
  parts->beat_posted_sent_i = static_cast<std::uint16_t>(0xfffe + 2);
  clocks(3);
  EXPECT_EQ(announced, 0u) << "the third record has not left";
  parts->beat_posted_sent_i = static_cast<std::uint16_t>(0xfffe + 3);
  clocks(3);
  EXPECT_EQ(announced, 1u);
  parts->beat_posted_sent_i = posted;
  clocks(3);
  EXPECT_EQ(announced, 2u);
}

}  // namespace
}  // namespace holdover::rtl_test
