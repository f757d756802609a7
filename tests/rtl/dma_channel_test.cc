// SPDX-License-Identifier: MIT
// One channel: descriptors in flight, order of records, failure, reset, announcements.
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <optional>

#include "tests/rtl/dma_parts_fixture.h"

namespace holdover::rtl_test {
namespace {

class Channel : public DmaParts {
 protected:
  Channel() {
    parts->channel_run_i = 1;
    parts->channel_c2h_i = 1;
    parts.settle();
  }
  // `count` descriptors of `length` bytes each, cookie = number; `urgent` has the interrupt flag.
  void give(unsigned count, std::uint32_t length = 64, std::optional<unsigned> urgent = {}) {
    parts->channel_tail_i = parts->channel_tail_i + count;
    parts.settle();
    unsigned given = 0;
    while (given < count) {
      for (int n = 0; n < 20 && !parts->channel_fetch_valid_o; ++n) clocks(1);
      ASSERT_TRUE(parts->channel_fetch_valid_o);
      const unsigned now = parts->channel_fetch_bytes_o / 32u;
      const unsigned destination = parts->channel_fetch_destination_o;
      parts->channel_fetch_take_i = 1;
      clocks(1);
      parts->channel_fetch_take_i = 0;
      for (unsigned word = 0; word < 4 * now; ++word) {
        host::DmaDescriptor descriptor{};
        descriptor.host_address = 0x10'0000u + 0x1000u * given_;
        descriptor.length = length;
        descriptor.cookie = given_;
        descriptor.flags = urgent == given_ ? host::kDescriptorInterrupt : 0;
        std::array<std::uint64_t, 4> words;
        std::memcpy(words.data(), &descriptor, sizeof descriptor);
        parts->channel_place_i = 1;
        parts->channel_place_address_i = static_cast<std::uint16_t>((destination + 8 * word) & 511);
        parts->channel_place_data_i = words[word % 4];
        clocks(1);
        if (word % 4 == 3) ++given_;
      }
      parts->channel_place_i = 0;
      parts->channel_fetched_i = 1;
      clocks(1);
      parts->channel_fetched_i = 0;
      given += now;
    }
    parts.settle();
  }
  // Takes the whole rest of the present transfer; its slot.
  unsigned take(unsigned bytes = 0) {
    for (int n = 0; n < 20 && !parts->channel_transfer_valid_o; ++n) clocks(1);
    EXPECT_TRUE(parts->channel_transfer_valid_o);
    const unsigned slot = parts->channel_transfer_slot_o;
    parts->channel_transfer_bytes_i =
        static_cast<std::uint16_t>(bytes != 0 ? bytes : parts->channel_transfer_remaining_o);
    parts->channel_transfer_take_i = 1;
    clocks(1);
    parts->channel_transfer_take_i = 0;
    parts.settle();
    return slot;
  }
  void finish(unsigned slot, DmaStatus status = DmaStatus::Ok) {
    parts->channel_finish_slot_i = static_cast<std::uint8_t>(slot);
    parts->channel_finish_status_i = raw(status);
    parts->channel_finish_i = 1;
    clocks(1);
    parts->channel_finish_i = 0;
    parts.settle();
  }
  // The record that is offered leaves; it counts as posted, and as sent where `sent`.
  void report(bool sent = true) {
    ASSERT_TRUE(parts->channel_record_valid_o);
    parts->channel_record_done_i = 1;
    clocks(1);
    parts->channel_record_done_i = 0;
    ++parts->channel_posted_i;
    if (sent) parts->channel_sent_i = parts->channel_posted_i;
    parts.settle();
  }
  unsigned events(unsigned count) {
    unsigned seen = 0;
    for (unsigned n = 0; n < count; ++n) {
      parts.settle();
      seen += parts->channel_event_o;
      parts.edge();
    }
    parts.settle();
    return seen;
  }
  std::uint32_t given_ = 0;
};

TEST_F(Channel, RecordsLeaveInRingOrderWhateverFinishesFirst) {
  give(3);
  const std::array<unsigned, 3> slots{take(), take(), take()};
  finish(slots[2]);
  finish(slots[1]);
  EXPECT_FALSE(parts->channel_record_valid_o);
  finish(slots[0]);
  for (unsigned n = 0; n < 3; ++n) {
    EXPECT_EQ(parts->channel_record_cookie_o, n);
    EXPECT_EQ(parts->channel_record_length_o, 64u);
    EXPECT_EQ(parts->channel_record_address_o, 0x2000u + 16 * n);
    report();
  }
  EXPECT_EQ(parts->channel_completed_o, 3u);
  EXPECT_EQ(parts->channel_bytes_o, 192u);
  clocks(4);
  EXPECT_TRUE(parts->channel_idle_o);
}

TEST_F(Channel, ADescriptorIsDoneWhenItsLastPieceIs) {
  give(1, 300);
  const unsigned slot = take(128);
  EXPECT_EQ(parts->channel_transfer_address_o, 0x10'0000u + 128);
  EXPECT_EQ(parts->channel_transfer_remaining_o, 172u);
  take(128);
  finish(slot);
  finish(slot);
  EXPECT_FALSE(parts->channel_record_valid_o);
  take();
  EXPECT_FALSE(parts->channel_record_valid_o);
  finish(slot);
  EXPECT_TRUE(parts->channel_record_valid_o);
}

TEST_F(Channel, AtMostFourDescriptorsAreInFlight) {
  give(6);
  std::array<unsigned, 4> slots{};
  for (unsigned& slot : slots) slot = take();
  clocks(10);
  EXPECT_FALSE(parts->channel_transfer_valid_o);
  finish(slots[0]);
  report();
  clocks(2);
  EXPECT_TRUE(parts->channel_transfer_valid_o);
}

TEST_F(Channel, StopsAtTheFirstFailureAndDropsWhatIsBehindIt) {
  parts->channel_c2h_i = 0;
  give(3);
  const std::array<unsigned, 3> slots{take(), take(), take()};
  finish(slots[0]);
  finish(slots[1], DmaStatus::CompleterAbort);
  finish(slots[2]);
  report();
  EXPECT_EQ(parts->channel_record_cookie_o, 1u);
  EXPECT_EQ(parts->channel_record_status_o, raw(DmaStatus::CompleterAbort));
  EXPECT_EQ(parts->channel_record_length_o, 0u);
  report();
  for (int n = 0; n < 10; ++n) {
    EXPECT_FALSE(parts->channel_record_valid_o);
    clocks(1);
  }
  EXPECT_TRUE(parts->channel_stopped_o);
  EXPECT_EQ(parts->channel_error_o, raw(DmaStatus::CompleterAbort));
  EXPECT_EQ(parts->channel_completed_o, 2u);
  EXPECT_EQ(parts->channel_bytes_o, 64u);
}

TEST_F(Channel, LengthsThatAreNoneEndTheDescriptor) {
  for (const std::uint32_t length : {0u, (1u << 24) + 1}) {
    give(1, length);
    clocks(3);
    ASSERT_TRUE(parts->channel_record_valid_o) << length;
    EXPECT_EQ(parts->channel_record_status_o, raw(DmaStatus::BadDescriptor));
    EXPECT_FALSE(parts->channel_transfer_valid_o);
    report();
    parts->channel_reset_i = 1;
    clocks(1);
    parts->channel_reset_i = 0;
    parts->channel_tail_i = 0;
    clocks(40);
    EXPECT_FALSE(parts->channel_resetting_o);
    EXPECT_FALSE(parts->channel_stopped_o);
    given_ = 0;
  }
}

TEST_F(Channel, AResetWaitsForItsPiecesAndForgetsEverything) {
  parts->channel_c2h_i = 0;
  give(2);
  const unsigned slot = take();
  parts->channel_reset_i = 1;
  clocks(1);
  parts->channel_reset_i = 0;
  clocks(60);
  EXPECT_TRUE(parts->channel_resetting_o) << "a read is still to be answered";
  EXPECT_FALSE(parts->channel_transfer_valid_o);
  finish(slot);
  parts->channel_tail_i = 0;
  clocks(40);
  EXPECT_FALSE(parts->channel_resetting_o);
  EXPECT_EQ(parts->channel_completed_o, 0u);
  EXPECT_FALSE(parts->channel_record_valid_o);
  EXPECT_TRUE(parts->channel_idle_o);
}

TEST_F(Channel, ThePhaseOfRecordsChangesWithEachLap) {
  for (unsigned n = 0; n < 20; ++n) {
    give(1);
    finish(take());
    EXPECT_EQ(parts->channel_record_phase_o, n / 8 % 2 == 0) << n;
    EXPECT_EQ(parts->channel_record_address_o, 0x2000u + 16 * (n % 8));
    report();
  }
}

TEST_F(Channel, AnnouncesEveryNthRecordWhenItHasLeft) {
  parts->channel_interrupt_i = 1;
  parts->channel_moderation_count_i = 3;
  for (unsigned n = 1; n <= 6; ++n) {
    give(1);
    finish(take());
    report(false);
    EXPECT_EQ(events(10), 0u);
    parts->channel_sent_i = parts->channel_posted_i;
    EXPECT_EQ(events(10), n % 3 == 0 ? 1u : 0u) << n;
  }
}

TEST_F(Channel, AnnouncesWhatHasWaitedLongEnough) {
  parts->channel_interrupt_i = 1;
  parts->channel_moderation_count_i = 100;
  parts->channel_moderation_us_i = 5;
  give(1);
  finish(take());
  report();
  parts.edges(2);
  for (unsigned microseconds = 0; microseconds < 5; ++microseconds) {
    EXPECT_EQ(events(5), 0u) << microseconds;
    parts->channel_microsecond_i = 1;
    parts.edge();
    parts->channel_microsecond_i = 0;
  }
  EXPECT_EQ(events(5), 1u);
  for (int n = 0; n < 20; ++n) {
    parts->channel_microsecond_i = 1;
    EXPECT_EQ(events(2), 0u) << "once only";
  }
}

TEST_F(Channel, AnUrgentDescriptorIsAnnouncedAtOnce) {
  parts->channel_interrupt_i = 1;
  parts->channel_moderation_count_i = 100;
  give(2, 64, 1);
  for (unsigned n = 0; n < 2; ++n) {
    finish(take());
    report();
    EXPECT_EQ(events(5), n);
  }
}

}  // namespace
}  // namespace holdover::rtl_test
