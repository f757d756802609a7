// SPDX-License-Identifier: MIT
// Where the agent's streams lie in memory, and how long it waits for them.
#include "host/agent/stream_layout.h"

#include <gtest/gtest.h>

#include <array>
#include <set>

#include "host/device/link_status.h"

namespace holdover::host {
namespace {

TEST(StreamLayout, BuffersStartAndEndAtOddPlacesAndDoNotOverlap) {
  const StreamLayout layout{Traffic{{true, false}}};
  for (unsigned channel = 0; channel < layout.channels(); ++channel) {
    std::uint64_t end = channel * layout.data_bytes_per_channel().count();
    bool crosses_at_odd_offset = false;
    for (const Buffer& buffer : layout.buffers(channel)) {
      EXPECT_GE(buffer.place.offset, end);
      end = buffer.place.offset + buffer.length;
      EXPECT_GE(buffer.length, 1024u);
      EXPECT_LE(buffer.length, 8192u);
      crosses_at_odd_offset |= buffer.place.offset % 2 == 1 && buffer.place.offset / 4096 != (end - 1) / 4096;
    }
    EXPECT_LE(end, (channel + 1) * layout.data_bytes_per_channel().count());
    EXPECT_TRUE(crosses_at_odd_offset);
  }
}

TEST(StreamLayout, MappingsCoverTheirRegionOnce) {
  const StreamLayout layout{Traffic{{true, false, true}}};
  const std::array<Bytes, 3> sizes{layout.rings_bytes(), layout.data_bytes(), layout.heartbeat_bytes()};
  for (unsigned region = 0; region < sizes.size(); ++region) {
    Bytes covered{0};
    for (const Mapping& mapping : layout.mappings(region)) {
      EXPECT_EQ(mapping.offset, covered);
      covered += mapping.size;
    }
    EXPECT_EQ(covered, sizes[region]) << region;
  }
}

TEST(StreamLayout, TheHeartbeatsRingIsAsLongAsItIsAskedFor) {
  Traffic traffic{{true, false}};
  EXPECT_EQ(StreamLayout{traffic}.heartbeat_bytes(), kPageSize * 3);
  traffic.writer_records = 65535;
  const StreamLayout layout{traffic};
  EXPECT_EQ(layout.heartbeat_bytes(), kPageSize * 513);
  EXPECT_EQ(layout.reader_table().offset, 512u * 4096);
  EXPECT_EQ(layout.mappings(kRegionHeartbeat).back().offset, kPageSize * 512);
}

TEST(StreamLayout, LongTransfersHaveRoomAndInterruptMoreOften) {
  const StreamLayout layout{Traffic{std::vector<bool>(kMaxChannels, true), 16384}};
  for (unsigned channel = 0; channel < layout.channels(); ++channel) {
    const Buffer last = layout.buffers(channel).back();
    EXPECT_LE(last.place.offset + last.length, (channel + 1) * layout.data_bytes_per_channel().count());
  }
  EXPECT_EQ(layout.completions_per_interrupt(), 2u);
  EXPECT_EQ((StreamLayout{Traffic{{true, false}}}.completions_per_interrupt()), 16u);
}

TEST(StreamLayout, ASlowLinkInterruptsMoreOftenAndIsWaitedForLonger) {
  Traffic traffic{{true, false}};
  traffic.link = LinkStatus{3, 8};
  const StreamLayout usual{traffic};
  EXPECT_EQ(usual.completions_per_interrupt(), 16u);
  traffic.link = LinkStatus{1, 1};
  const StreamLayout slow{traffic};
  EXPECT_EQ(slow.completions_per_interrupt(), 1u);
  // Four transfers of 8 KiB on each channel, at an eighth of 250 MB/s.
  EXPECT_GE(slow.patience() - usual.patience(), std::chrono::nanoseconds(2 * 4 * 8192 * 30));
  EXPECT_GE(slow.interrupt_patience(), std::chrono::nanoseconds(2 * 2 * 8192 * 32));
  traffic.completion_timeout = std::chrono::nanoseconds(1'000'000);
  EXPECT_EQ(StreamLayout{traffic}.patience() - slow.patience(), std::chrono::nanoseconds(2 * 800'000));
}

TEST(LinkStatus, TimeIsThatOfTheRawRate) {
  EXPECT_EQ((LinkStatus{1, 1}.time_of(Bytes{1'000'000}).count()), 4'000'001);
  EXPECT_EQ((LinkStatus{2, 4}.time_of(Bytes{1'000'000}).count()), 500'001);
  EXPECT_EQ((LinkStatus{3, 8}.time_of(Bytes{1'000'000}).count()), 127'033);
  EXPECT_EQ((LinkStatus{5, 16}.time_of(Bytes{1'000'000}).count()), 15'880);
}

TEST(StreamLayout, NoTwoStreamsOfARunShareASeed) {
  std::set<std::uint32_t> seeds;
  for (unsigned endpoint = 0; endpoint < 8; ++endpoint) {
    for (unsigned stream = 0; stream < 9; ++stream) {
      EXPECT_TRUE(seeds.insert(stream_seed(1, endpoint, stream)).second) << endpoint << ' ' << stream;
    }
  }
}

}  // namespace
}  // namespace holdover::host
