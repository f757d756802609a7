// SPDX-License-Identifier: MIT
// Reader and writer: who is served, how transfers are cut, what a smaller limit and a reset do to what waits.
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <vector>

#include "pcie/tlp.h"
#include "tests/rtl/request_parts_fixture.h"

namespace holdover::rtl_test {
namespace {

class Reader : public RequestParts {
 protected:
  Reader() {
    parts->reader_max_read_request_i = 2;  // 512 bytes
    parts->reader_tag_valid_i = 1;
    parts->reader_tag_i = 0x21;
    parts->reader_ready_i = 1;
    parts.settle();
  }
  [[nodiscard]] pcie::Tlp header() {
    const auto tlp = pcie::decode_header(sample_header(parts->reader_header_o));
    EXPECT_TRUE(tlp);
    return tlp.value_or(pcie::Tlp{});
  }
};

TEST_F(Reader, HeartbeatGoesBeforeDescriptorsAndTheseBeforeData) {
  parts->reader_address_i = 0x9000;
  parts->reader_remaining_i = 64;
  parts->reader_heartbeat_i = 1;
  parts->reader_fetch_i = 0b0010;
  parts->reader_data_i = 0b0001;
  parts.settle();
  EXPECT_TRUE(parts->reader_heartbeat_take_o);
  EXPECT_EQ(parts->reader_fetch_take_o | parts->reader_data_take_o, 0);
  clocks(1);
  EXPECT_TRUE(parts->reader_urgent_o);
  EXPECT_EQ(header().address, 0xBEA0u);
  EXPECT_EQ(header().tag, 0x21);
  parts->reader_heartbeat_i = 0;
  parts.settle();
  EXPECT_EQ(parts->reader_fetch_take_o, 0b0010);
  clocks(1);
  EXPECT_EQ(header().address, 0x4000u);
  EXPECT_EQ(header().length_dw, 64);
  EXPECT_FALSE(parts->reader_urgent_o);
  parts->reader_fetch_i = 0;
  parts.settle();
  EXPECT_EQ(parts->reader_data_take_o, 0b0001);
  EXPECT_EQ(parts->reader_data_bytes_o, 64);
  clocks(1);
  EXPECT_EQ(header().address, 0x9000u);
}

TEST_F(Reader, ChannelsTakeTurnsAndNothingLeavesWithoutATag) {
  parts->reader_address_i = 0x9000;
  parts->reader_remaining_i = 64;
  parts->reader_data_i = 0b1111;
  std::array<int, 4> served{};
  for (int n = 0; n < 40; ++n) {
    parts.settle();
    for (unsigned c = 0; c < 4; ++c) served[c] += parts->reader_data_take_o >> c & 1;
    clocks(1);
  }
  for (const int each : served) EXPECT_EQ(each, 10);

  parts->reader_tag_valid_i = 0;
  parts.settle();
  EXPECT_FALSE(parts->reader_valid_o);
  EXPECT_FALSE(parts->reader_tag_take_o);
  EXPECT_EQ(parts->reader_data_take_o, 0);
}

TEST_F(Reader, AReadThatBecameTooLongLeavesInPartsOfTheNewLimit) {
  parts->reader_address_i = 0x9002;
  parts->reader_remaining_i = 500;
  parts->reader_ready_i = 0;
  parts->reader_data_i = 1;
  clocks(1);
  parts->reader_data_i = 0;
  parts->reader_max_read_request_i = 0;
  parts->reader_ready_i = 1;
  parts.settle();
  std::uint64_t next = 0x9002;
  unsigned total = 0;
  unsigned extra = 0;
  while (parts->reader_valid_o) {
    EXPECT_EQ(pcie::first_byte_address(header()), next);
    EXPECT_LE(header().length_dw, 32);
    EXPECT_EQ(pcie::enabled_bytes(header()).count(), parts->reader_context_bytes_o);
    next += parts->reader_context_bytes_o;
    total += parts->reader_context_bytes_o;
    extra += parts->reader_extra_o;
    EXPECT_TRUE(parts->reader_tag_take_o);
    clocks(1);
  }
  EXPECT_EQ(total, 500u);
  EXPECT_EQ(extra, 3u) << "the channel counts one finish for each";
}

TEST_F(Reader, ADescriptorReadThatBecameTooLongIsAskedForAnewAndAnAbortedOneDropped) {
  parts->reader_ready_i = 0;
  parts->reader_fetch_i = 1;
  clocks(1);
  parts->reader_fetch_i = 0;
  parts->reader_max_read_request_i = 0;
  parts.settle();
  EXPECT_FALSE(parts->reader_valid_o);
  clocks(1);
  EXPECT_TRUE(parts->reader_cancel_o);
  clocks(1);
  EXPECT_FALSE(parts->reader_cancel_o);

  parts->reader_max_read_request_i = 2;
  parts->reader_address_i = 0x9000;
  parts->reader_remaining_i = 64;
  parts->reader_data_i = 0b1000;
  clocks(1);
  parts->reader_data_i = 0;
  parts.settle();
  EXPECT_TRUE(parts->reader_valid_o);
  EXPECT_EQ(parts->reader_context_channel_o, 3);
  parts->reader_abort_i = 0b1000;
  parts.settle();
  EXPECT_FALSE(parts->reader_valid_o);
  clocks(1);
  EXPECT_TRUE(parts->reader_cancel_o);
}

class Writer : public RequestParts {
 protected:
  struct Packet {
    pcie::Tlp header;
    std::vector<std::byte> payload;
  };

  Writer() {
    parts->writer_memory_ready_i = 1;
    parts->writer_max_payload_i = 1;  // 256 bytes
  }
  // Channel `channel` moves `bytes` from card address to host address; whole packets until nothing more comes.
  std::vector<Packet> move(unsigned channel, std::uint64_t host, std::uint64_t card, unsigned bytes) {
    std::vector<Packet> packets;
    std::vector<std::byte> beats;
    unsigned done = 0;
    parts->writer_data_i = static_cast<std::uint8_t>(1u << channel);
    for (int quiet = 0; quiet < 50; ++quiet) {
      parts->writer_address_i = host;
      parts->writer_card_address_i = card;
      parts->writer_remaining_i = bytes;
      if (bytes == 0) parts->writer_data_i = 0;
      parts->writer_ready_i = !draw.one_in(3);
      parts->writer_memory_ready_i = !draw.one_in(5);
      parts.settle();
      const unsigned taken = parts->writer_data_take_o >> channel & 1 ? parts->writer_data_bytes_o : 0;
      if (parts->writer_valid_o && parts->writer_ready_i) {
        quiet = 0;
        if (beats.empty()) packets.push_back({*pcie::decode_header(sample_header(parts->writer_header_o)), {}});
        std::array<std::byte, 8> beat;
        std::memcpy(beat.data(), &parts->writer_payload_o, beat.size());
        beats.insert(beats.end(), beat.begin(), beat.end());
        if (parts->writer_eop_o) {
          packets.back().payload = beats;
          beats.clear();
        }
      }
      parts.edge();
      parts.settle();
      done += parts->writer_done_o && parts->writer_done_channel_o == channel;
      host += taken;
      card += taken;
      bytes -= taken;
    }
    EXPECT_TRUE(beats.empty());
    EXPECT_GE(packets.size(), done);
    done_ = done;
    return packets;
  }
  unsigned done_ = 0;
};

TEST_F(Writer, MovesEveryByteOnceWhateverTheAlignment) {
  for (int n = 0; n < 300; ++n) {
    const unsigned host = 0x1'0000 + draw.below(4096);
    const unsigned card = draw.below(256);
    const unsigned bytes = 1 + draw.below(n % 4 == 0 ? 1500 : 40);
    const std::vector<Packet> packets = move(draw.below(4), host, card, bytes);
    std::uint64_t next = host;
    for (const Packet& packet : packets) {
      const unsigned enabled = static_cast<unsigned>(pcie::enabled_bytes(packet.header).count());
      ASSERT_EQ(pcie::first_byte_address(packet.header), next);
      ASSERT_LE(packet.header.length_dw, 64);
      ASSERT_LE(next % 4096 + enabled, 4096u);
      ASSERT_EQ(packet.payload.size(), (packet.header.length_dw * 4u + 7) / 8 * 8);
      for (unsigned i = 0; i < enabled; ++i) {
        // Card memory holds its own address in each byte.
        ASSERT_EQ(packet.payload[(next & 3) + i], static_cast<std::byte>(card + (next - host) + i));
      }
      next += enabled;
    }
    ASSERT_EQ(next, host + bytes);
    ASSERT_EQ(done_, packets.size());
  }
}

TEST_F(Writer, APacketThatBecameTooLongLeavesInParts) {
  parts->writer_address_i = 0x1'0003;
  parts->writer_remaining_i = 250;
  parts->writer_data_i = 1;
  clocks(1);
  parts->writer_data_i = 0;
  clocks(20);
  parts->writer_max_payload_i = 0;
  parts->writer_ready_i = 1;
  parts.settle();
  std::vector<unsigned> lengths;
  unsigned bytes = 0;
  bool begins = true;
  for (int n = 0; n < 60; ++n) {
    if (parts->writer_valid_o) {
      if (begins) {
        const auto tlp = pcie::decode_header(sample_header(parts->writer_header_o));
        EXPECT_EQ(pcie::first_byte_address(*tlp), 0x1'0003u + bytes);
        lengths.push_back(tlp->length_dw);
        bytes += static_cast<unsigned>(pcie::enabled_bytes(*tlp).count());
      }
      begins = parts->writer_eop_o;
    }
    clocks(1);
  }
  EXPECT_EQ(lengths, (std::vector<unsigned>{32, 32}));
  EXPECT_EQ(bytes, 250u);
}

TEST_F(Writer, AnAbortDropsWhatHasNotBegunAndLetsTheRestLeaveWhole) {
  parts->writer_address_i = 0x1'0000;
  parts->writer_remaining_i = 32;
  parts->writer_data_i = 0b0011;
  clocks(6);
  parts->writer_data_i = 0;
  clocks(10);
  parts->writer_ready_i = 1;
  clocks(1);  // one beat of the oldest packet has left
  const unsigned kept = parts->writer_writing_o;
  EXPECT_EQ(kept, 0b0011u);
  parts->writer_ready_i = 0;
  parts->writer_abort_i = 0b0011;
  clocks(3);
  EXPECT_NE(parts->writer_writing_o, 0) << "one has begun to leave";
  parts->writer_ready_i = 1;
  unsigned ends = 0;
  for (int n = 0; n < 100; ++n) {
    parts.settle();
    ends += parts->writer_valid_o && parts->writer_eop_o;
    parts.edge();
  }
  parts.settle();
  EXPECT_EQ(ends, 1u);
  EXPECT_EQ(parts->writer_writing_o, 0);
}

}  // namespace
}  // namespace holdover::rtl_test
