// SPDX-License-Identifier: MIT
// Transmit and receive: order and boundaries of our requests, and where completions go.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "pcie/tlp.h"
#include "tests/rtl/request_parts_fixture.h"

namespace holdover::rtl_test {
namespace {

class Transmit : public RequestParts {
 protected:
  enum Source : unsigned { Message, Heartbeat, Record, Read, Write };

  Transmit() {
    parts->transmit_bus_master_i = 1;
    parts->transmit_ready_i = 1;
    parts->transmit_dwords_i = 2;
    parts->transmit_eop_i = 31;
    parts->transmit_np_limit_i = 100;
    parts.settle();
  }
  void offer(unsigned sources) {
    parts->transmit_valid_i = static_cast<std::uint8_t>(sources);
    parts.settle();
  }
};

TEST_F(Transmit, MessagesAndHeartbeatGoFirstThenRecordsThenReadsAndWritesInTurn) {
  offer(31);
  EXPECT_EQ(parts->transmit_ready_o, 1u << Message);
  offer(30);
  EXPECT_EQ(parts->transmit_ready_o, 1u << Heartbeat);
  offer(28);
  EXPECT_EQ(parts->transmit_ready_o, 1u << Record);
  parts->transmit_urgent_i = 1;
  offer(28);
  EXPECT_EQ(parts->transmit_ready_o, 1u << Read) << "the heartbeat's read";
  parts->transmit_urgent_i = 0;
  offer(24);
  unsigned last = 0;
  for (int n = 0; n < 10; ++n) {
    EXPECT_NE(parts->transmit_ready_o, last);
    EXPECT_TRUE(parts->transmit_ready_o == 1u << Read || parts->transmit_ready_o == 1u << Write);
    last = parts->transmit_ready_o;
    clocks(1);
  }
}

TEST_F(Transmit, APacketIsNeverInterrupted) {
  parts->transmit_dwords_i = 8;
  parts->transmit_eop_i = 0;
  offer(1u << Write);
  clocks(1);
  offer(31);
  for (int n = 1; n < 4; ++n) {
    EXPECT_EQ(parts->transmit_ready_o, 1u << Write);
    if (n == 3) parts->transmit_eop_i = 31;
    clocks(1);
    EXPECT_EQ(parts->transmit_data_o, 5u);
    EXPECT_FALSE(parts->transmit_sop_o);
  }
  EXPECT_EQ(parts->transmit_ready_o, 1u << Message);
}

TEST_F(Transmit, NothingStartsWhileItMayNotAndWhatBeganEnds) {
  for (int reason = 0; reason < 3; ++reason) {
    parts->transmit_dwords_i = 4;
    parts->transmit_eop_i = 0;
    offer(1u << Write);
    clocks(1);
    parts->transmit_bus_master_i = reason != 0;
    parts->transmit_d_state_i = reason == 1 ? 3 : 0;
    parts->transmit_stop_i = reason == 2;
    parts->transmit_eop_i = 31;
    offer(1u << Write);
    EXPECT_EQ(parts->transmit_ready_o, 1u << Write) << "the second beat";
    clocks(1);
    offer(31);
    EXPECT_EQ(parts->transmit_ready_o, 0);
    clocks(3);
    EXPECT_TRUE(parts->transmit_idle_o);
    parts->transmit_bus_master_i = 1;
    parts->transmit_d_state_i = 0;
    parts->transmit_stop_i = 0;
    parts.settle();
    EXPECT_NE(parts->transmit_ready_o, 0);
    offer(0);
    clocks(2);
  }
}

TEST_F(Transmit, ReadsStayWithinTheRoomTheBlockHasMade) {
  parts->transmit_np_limit_i = 3;
  offer(1u << Read);
  unsigned reads = 0;
  for (int n = 0; n < 20; ++n) {
    reads += parts->transmit_ready_o >> Read & 1u;
    clocks(1);
  }
  EXPECT_EQ(reads, 3u);
  offer(1u << Read | 1u << Write);
  EXPECT_EQ(parts->transmit_ready_o, 1u << Write) << "writes pass";
  parts->transmit_np_limit_i = 4;
  offer(1u << Read);
  EXPECT_EQ(parts->transmit_ready_o, 1u << Read);
}

TEST_F(Transmit, CountsPostedRequestsUntilAConventionalReset) {
  offer(1u << Record);
  clocks(5);
  offer(1u << Read);
  clocks(5);
  EXPECT_EQ(parts->transmit_posted_o, 5);
  offer(0);
  parts->transmit_restart_i = 1;
  clocks(1);
  parts->transmit_restart_i = 0;
  clocks(1);
  EXPECT_EQ(parts->transmit_posted_o, 0);
}

TEST_F(Transmit, WhatIsAbandonedEndsWithZerosAndWhatIsCutOffDoesNotEnd) {
  parts->transmit_dwords_i = 8;
  parts->transmit_eop_i = 0;
  offer(1u << Write);
  clocks(1);
  offer(0);
  parts->transmit_abandon_i = 1;
  clocks(1);
  parts->transmit_abandon_i = 0;
  unsigned beats = 1;
  for (int n = 0; n < 10 && beats < 4; ++n) {
    clocks(1);
    if (!parts->transmit_valid_o) continue;
    ++beats;
    EXPECT_EQ(parts->transmit_data_o, 0u);
    EXPECT_EQ(parts->transmit_eop_o != 0, beats == 4);
  }
  EXPECT_EQ(beats, 4u);
  clocks(1);
  EXPECT_TRUE(parts->transmit_idle_o);

  offer(1u << Write);
  clocks(1);
  offer(0);
  parts->transmit_cut_off_i = 1;
  clocks(1);
  parts->transmit_cut_off_i = 0;
  parts.settle();
  EXPECT_TRUE(parts->transmit_idle_o);
}

TEST_F(Transmit, WritesTheRequesterIdIntoEveryHeader) {
  for (unsigned source = 0; source < 5; ++source) {
    offer(1u << source);
    clocks(1);
    const auto tlp = pcie::decode_header(sample_header(parts->transmit_header_o));
    ASSERT_TRUE(tlp);
    EXPECT_EQ(tlp->requester, kFunction);
    EXPECT_EQ(tlp->kind, source == Read ? pcie::TlpKind::MemoryRead : pcie::TlpKind::MemoryWrite);
  }
}

class Receive : public RequestParts {
 protected:
  struct Seen {
    std::vector<std::byte> bytes = std::vector<std::byte>(1024);
    unsigned placed = 0;
    std::optional<std::uint8_t> finish;
    unsigned bad = 0;
    unsigned unexpected = 0;
    bool updated = false;
    bool last = false;
    unsigned remaining = 0;
  };

  Receive() {
    parts->receive_busy_i = 1;
    parts->receive_bytes_i = 300;
    parts->receive_remaining_i = 300;
    parts->receive_destination_i = 100;
    parts->receive_end_address_i = (2 + 300) & 0x7f;
  }
  Seen send(const pcie::Tlp& tlp) {
    Seen seen;
    const pcie::TlpHeader header = pcie::encode_header(tlp);
    const std::size_t beats = std::max<std::size_t>(1, (tlp.payload.size() + 7) / 8);
    for (std::size_t n = 0; n < beats + 4; ++n) {
      parts->receive_valid_i = n < beats;
      parts->receive_sop_i = n == 0;
      parts->receive_eop_i = n + 1 == beats;
      drive_header(parts->receive_header_i, header);
      parts->receive_data_i = 0;
      if (8 * n < tlp.payload.size()) {
        std::memcpy(&parts->receive_data_i, tlp.payload.data() + 8 * n,
                    std::min<std::size_t>(8, tlp.payload.size() - 8 * n));
      }
      parts.edge();
      parts.settle();
      if (parts->receive_update_o) {
        seen.updated = true;
        seen.last = parts->receive_update_last_o;
        seen.remaining = parts->receive_update_remaining_o;
        EXPECT_EQ(parts->receive_tag_o, tlp.tag);
      }
      if (parts->receive_place_o) {
        for (unsigned i = 0; i < 8; ++i) {
          if ((parts->receive_place_be_o >> i & 1) == 0) continue;
          std::array<std::byte, 8> beat;
          std::memcpy(beat.data(), &parts->receive_place_data_o, 8);
          seen.bytes.at(parts->receive_place_address_o + i) = beat[i];
          ++seen.placed;
        }
      }
      if (parts->receive_finish_o) seen.finish = parts->receive_finish_status_o;
      seen.bad += parts->receive_bad_o;
      seen.unexpected += parts->receive_unexpected_o;
    }
    return seen;
  }
  // Bytes `from` to `to` of the read of 300 bytes at an address that ends with 2.
  static pcie::Tlp completion(unsigned from, unsigned to) {
    pcie::Tlp tlp;
    tlp.kind = pcie::TlpKind::CompletionData;
    tlp.requester = kFunction;
    tlp.tag = 0x77;
    tlp.byte_count = static_cast<std::uint16_t>(300 - from);
    tlp.lower_address = static_cast<std::uint8_t>((2 + from) & 0x7f);
    const unsigned lead = (2 + from) & 3;
    tlp.length_dw = static_cast<std::uint16_t>((lead + to - from + 3) / 4);
    tlp.payload.assign(4u * tlp.length_dw, std::byte{0xee});
    for (unsigned i = from; i < to; ++i) tlp.payload[lead + i - from] = static_cast<std::byte>(i * 7);
    return tlp;
  }
};

TEST_F(Receive, PutsEachByteWhereItBelongsAndFinishesWithTheLast) {
  const std::array<unsigned, 5> cuts{0, 62, 126, 254, 300};
  for (std::size_t n = 0; n + 1 < cuts.size(); ++n) {
    parts->receive_remaining_i = static_cast<std::uint16_t>(300 - cuts[n]);
    const Seen seen = send(completion(cuts[n], cuts[n + 1]));
    EXPECT_EQ(seen.placed, cuts[n + 1] - cuts[n]);
    for (unsigned i = cuts[n]; i < cuts[n + 1]; ++i) {
      ASSERT_EQ(seen.bytes[100 + i], static_cast<std::byte>(i * 7)) << i;
    }
    EXPECT_TRUE(seen.updated);
    EXPECT_EQ(seen.remaining, 300 - cuts[n + 1]);
    EXPECT_EQ(seen.last, n == 3);
    EXPECT_EQ(seen.finish.has_value(), n == 3);
    EXPECT_EQ(seen.bad, 0u);
  }
}

TEST_F(Receive, AnErrorStatusEndsTheReadWithoutData) {
  for (const auto& [status, expected] :
       {std::pair{pcie::CompletionStatus::UnsupportedRequest, DmaStatus::UnsupportedRequest},
        std::pair{pcie::CompletionStatus::CompleterAbort, DmaStatus::CompleterAbort}}) {
    pcie::Tlp tlp;
    tlp.kind = pcie::TlpKind::Completion;
    tlp.requester = kFunction;
    tlp.tag = 3;
    tlp.status = status;
    tlp.byte_count = 300;
    const Seen seen = send(tlp);
    EXPECT_EQ(seen.finish, static_cast<std::uint8_t>(expected));
    EXPECT_TRUE(seen.last);
    EXPECT_EQ(seen.placed, 0u);
    EXPECT_EQ(seen.bad, 1u);
  }
}

TEST_F(Receive, PoisonedDataIsNotPlacedAndFailsTheRead) {
  pcie::Tlp tlp = completion(0, 300);
  tlp.poisoned = true;
  const Seen seen = send(tlp);
  EXPECT_EQ(seen.placed, 0u);
  EXPECT_EQ(seen.finish, static_cast<std::uint8_t>(DmaStatus::Poisoned));
  EXPECT_EQ(seen.bad, 1u);
}

TEST_F(Receive, WhatNobodyAskedForIsDroppedAndCounted) {
  parts->receive_busy_i = 0;
  EXPECT_FALSE(send(completion(0, 300)).updated);
  parts->receive_quarantine_i = 1;
  Seen seen = send(completion(0, 300));
  EXPECT_TRUE(seen.updated) << "a late completion gives its tag back";
  EXPECT_EQ(seen.placed, 0u);
  EXPECT_EQ(seen.finish, std::nullopt);
  EXPECT_EQ(seen.bad, 1u);
  parts->receive_quarantine_i = 0;
  parts->receive_busy_i = 1;
  parts->receive_remaining_i = 200;  // another byte count than this read waits for
  seen = send(completion(0, 300));
  EXPECT_FALSE(seen.updated);
  EXPECT_EQ(seen.placed, 0u);
  EXPECT_EQ(seen.bad, 1u);
}

TEST_F(Receive, WhatIsForAnotherFunctionIsUnexpectedAndTheReadGoesOn) {
  pcie::Tlp error = {
      .kind = pcie::TlpKind::Completion, .requester = kFunction, .tag = 0x77, .byte_count = 300, .payload = {}};
  error.status = pcie::CompletionStatus::UnsupportedRequest;
  for (pcie::Tlp tlp : {completion(0, 300), error}) {
    for (unsigned bit = 0; bit < 16; ++bit) {
      SCOPED_TRACE(bit);
      tlp.requester = static_cast<pcie::RequesterId>(kFunction ^ 1u << bit);
      const Seen seen = send(tlp);
      EXPECT_FALSE(seen.updated);
      EXPECT_EQ(seen.placed, 0u);
      EXPECT_EQ(seen.finish, std::nullopt);
      EXPECT_EQ(seen.bad, 1u);
      EXPECT_EQ(seen.unexpected, 1u);
    }
  }
  EXPECT_EQ(send(completion(0, 300)).finish, static_cast<std::uint8_t>(DmaStatus::Ok));
}

TEST_F(Receive, DataOfAnotherAddressIsUnexpectedAndTheReadGoesOn) {
  const std::array<unsigned, 4> starts{0, 62, 190, 254};
  for (const unsigned from : starts) {
    parts->receive_remaining_i = static_cast<std::uint16_t>(300 - from);
    for (unsigned bit = 0; bit < 7; ++bit) {
      SCOPED_TRACE(bit);
      pcie::Tlp tlp = completion(from, 300);
      tlp.lower_address = static_cast<std::uint8_t>(tlp.lower_address ^ 1u << bit);
      const Seen seen = send(tlp);
      EXPECT_FALSE(seen.updated);
      EXPECT_EQ(seen.placed, 0u);
      EXPECT_EQ(seen.finish, std::nullopt);
      EXPECT_EQ(seen.unexpected, 1u);
    }
    EXPECT_EQ(send(completion(from, 300)).finish, static_cast<std::uint8_t>(DmaStatus::Ok));
  }
}

TEST_F(Receive, ATimeOutFinishesAReadAndAPauseTakesNothing) {
  parts->receive_timeout_i = 1;
  clocks(1);
  EXPECT_TRUE(parts->receive_finish_o);
  EXPECT_EQ(parts->receive_finish_status_o, static_cast<std::uint8_t>(DmaStatus::Timeout));
  parts->receive_timeout_i = 0;
  parts->receive_pause_i = 1;
  parts.settle();
  EXPECT_FALSE(parts->receive_ready_o);
}

}  // namespace
}  // namespace holdover::rtl_test
