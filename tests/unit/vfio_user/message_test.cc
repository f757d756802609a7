// SPDX-License-Identifier: MIT
#include "vfio_user/message.h"

#include <gtest/gtest.h>

#include "tests/unit/vfio_user/wire.h"

namespace holdover::vfio_user {
namespace {

using testing::bytes_of;
using testing::message_of;

DmaMap sound_map() { return DmaMap{sizeof(DmaMap), kDmaMapRead | kDmaMapWrite, 0x1000, 0x10'0000, 0x2000}; }

int map_error(const DmaMap& map, unsigned descriptors = 1) {
  return parse_dma_map(message_of(Command::DmaMap, bytes_of(map), descriptors)).error;
}

TEST(DmaMapMessage, IsReadWhole) {
  const Message message = message_of(Command::DmaMap, bytes_of(sound_map()), 1);
  const Parsed<DmaMap> parsed = parse_dma_map(message);
  ASSERT_EQ(parsed.error, 0);
  EXPECT_EQ(parsed.value.address, 0x10'0000u);
  EXPECT_EQ(parsed.value.size, 0x2000u);
  EXPECT_EQ(parsed.value.offset, 0x1000u);
}

TEST(DmaMapMessage, MayReachTheLastByteOfTheAddressSpace) {
  DmaMap map = sound_map();
  map.address = ~std::uint64_t{0} - 0xfff;
  map.size = 0x1000;
  EXPECT_EQ(map_error(map), 0);
  map.size = 0x2000;
  EXPECT_EQ(map_error(map), EINVAL);
}

TEST(DmaMapMessage, RefusesWhatNoMappingCanBe) {
  const auto with = [](auto change) {
    DmaMap map = sound_map();
    change(map);
    return map_error(map);
  };
  EXPECT_EQ(with([](DmaMap&) {}), 0);
  EXPECT_EQ(with([](DmaMap& map) { map.size = 0; }), EINVAL);
  EXPECT_EQ(with([](DmaMap& map) { map.size = 0x1001; }), EINVAL);
  EXPECT_EQ(with([](DmaMap& map) { map.address = 8; }), EINVAL);
  EXPECT_EQ(with([](DmaMap& map) { map.offset = 8; }), EINVAL);
  EXPECT_EQ(with([](DmaMap& map) { map.offset = ~std::uint64_t{0xfff}; }), EINVAL);
  EXPECT_EQ(with([](DmaMap& map) { map.flags = 0; }), EINVAL);
  EXPECT_EQ(with([](DmaMap& map) { map.flags = 7; }), EINVAL);
  EXPECT_EQ(with([](DmaMap& map) { map.argsz = 31; }), EINVAL);
  EXPECT_EQ(map_error(sound_map(), 2), EINVAL);
  EXPECT_EQ(map_error(sound_map(), 0), EINVAL) << "an offset into no file";
}

TEST(DmaMapMessage, RefusesBodiesOfAnotherSize) {
  std::vector<std::byte> body = bytes_of(sound_map());
  body.pop_back();
  EXPECT_EQ(parse_dma_map(message_of(Command::DmaMap, body, 1)).error, EINVAL);
  body.resize(sizeof(DmaMap) + 1);
  EXPECT_EQ(parse_dma_map(message_of(Command::DmaMap, body, 1)).error, EINVAL);
  EXPECT_EQ(parse_dma_map(message_of(Command::DmaMap, {})).error, EINVAL);
}

TEST(DmaUnmapMessage, NamesOneMappingOrAllOfThem) {
  const auto error = [](const DmaUnmap& unmap, unsigned descriptors = 0) {
    return parse_dma_unmap(message_of(Command::DmaUnmap, bytes_of(unmap), descriptors)).error;
  };
  EXPECT_EQ(error({24, 0, 0x1000, 0x1000}), 0);
  EXPECT_EQ(error({24, kDmaUnmapAll, 0, 0}), 0);
  EXPECT_EQ(error({24, kDmaUnmapAll, 0x1000, 0x1000}), EINVAL);
  EXPECT_EQ(error({24, 0, 0x1000, 0}), EINVAL);
  EXPECT_EQ(error({24, 0, ~std::uint64_t{0}, 2}), EINVAL);
  EXPECT_EQ(error({23, 0, 0x1000, 0x1000}), EINVAL);
  EXPECT_EQ(error({24, 4, 0x1000, 0x1000}), EINVAL);
  EXPECT_EQ(error({24, kDmaUnmapDirtyBitmap, 0x1000, 0x1000}), EOPNOTSUPP);
  EXPECT_EQ(error({24, 0, 0x1000, 0x1000}, 1), EINVAL);
}

TEST(QueryMessage, HasRoomForItsAnswer) {
  EXPECT_EQ(parse_device_info(message_of(Command::DeviceGetInfo, bytes_of(DeviceInfo{16, 0, 0, 0}))).error, 0);
  EXPECT_EQ(parse_device_info(message_of(Command::DeviceGetInfo, bytes_of(DeviceInfo{15, 0, 0, 0}))).error, EINVAL);
  EXPECT_EQ(parse_region_info(message_of(Command::DeviceGetRegionInfo, bytes_of(RegionInfo{31}))).error, EINVAL);
  EXPECT_EQ(parse_irq_info(message_of(Command::DeviceGetIrqInfo, bytes_of(std::uint32_t{16}))).error, EINVAL);
  EXPECT_EQ(parse_irq_info(message_of(Command::DeviceGetIrqInfo, bytes_of(IrqInfo{16, 0, 2, 0}), 1)).error, EINVAL);
}

int irqs_error(const IrqSet& set, unsigned extra = 0, unsigned descriptors = 0) {
  std::vector<std::byte> body = bytes_of(set);
  body.resize(body.size() + extra, std::byte{1});
  return parse_set_irqs(message_of(Command::DeviceSetIrqs, body, descriptors)).error;
}

TEST(SetIrqsMessage, CarriesTheDataThatItsFlagsSay) {
  constexpr std::uint32_t kConnect = kIrqDataEventfd | kIrqActionTrigger;
  EXPECT_EQ(irqs_error({20, kConnect, kIrqMsix, 0, 3}, 0, 3), 0);
  EXPECT_EQ(irqs_error({20, kConnect, kIrqMsix, 0, 3}, 0, 0), 0) << "takes them away";
  EXPECT_EQ(irqs_error({20, kConnect, kIrqMsix, 0, 3}, 0, 2), EINVAL);
  EXPECT_EQ(irqs_error({23, kIrqDataBool | kIrqActionMask, kIrqMsix, 0, 3}, 3), 0);
  EXPECT_EQ(irqs_error({23, kIrqDataBool | kIrqActionMask, kIrqMsix, 0, 3}, 2), EINVAL);
  EXPECT_EQ(irqs_error({20, kIrqDataNone | kIrqActionMask, kIrqMsix, 0, 3}, 0, 1), EINVAL);
  EXPECT_EQ(irqs_error({20, kIrqDataNone | kIrqActionTrigger, kIrqMsix, 0, 0}), 0);
}

TEST(SetIrqsMessage, RefusesFlagsAndRangesThatSayNothing) {
  EXPECT_EQ(irqs_error({20, kIrqDataNone, kIrqMsix, 0, 1}), EINVAL);
  EXPECT_EQ(irqs_error({20, kIrqActionMask, kIrqMsix, 0, 1}), EINVAL);
  EXPECT_EQ(irqs_error({20, kIrqDataNone | kIrqActionMask | kIrqActionUnmask, kIrqMsix, 0, 1}), EINVAL);
  EXPECT_EQ(irqs_error({20, kIrqDataNone | kIrqActionMask | 0x40, kIrqMsix, 0, 1}), EINVAL);
  EXPECT_EQ(irqs_error({20, kIrqDataNone | kIrqActionMask, kIrqTypes, 0, 1}), EINVAL);
  EXPECT_EQ(irqs_error({19, kIrqDataNone | kIrqActionMask, kIrqMsix, 0, 1}), EINVAL);
  EXPECT_EQ(irqs_error({20, kIrqDataNone | kIrqActionMask, kIrqMsix, 0xffff'ffff, 1}), EINVAL);
  EXPECT_EQ(irqs_error({20, kIrqDataNone | kIrqActionMask, kIrqMsix, 0, 0}), EINVAL);
  EXPECT_EQ(irqs_error({20, kIrqDataBool | kIrqActionTrigger, kIrqMsix, 0, 0xffff'fff0}, 4), EINVAL);
}

TEST(RegionMessage, CarriesAsMuchAsItSays) {
  EXPECT_EQ(parse_region_read(message_of(Command::RegionRead, bytes_of(RegionAccess{0, 7, 64})), 64).error, 0);
  EXPECT_EQ(parse_region_read(message_of(Command::RegionRead, bytes_of(RegionAccess{0, 7, 65})), 64).error, EINVAL);
  EXPECT_EQ(parse_region_read(message_of(Command::RegionRead, bytes_of(RegionAccess{}, 1)), 64).error, EINVAL);
  const Message write = message_of(Command::RegionWrite, bytes_of(RegionAccess{8, 0, 4}, std::uint32_t{0x1234'5678}));
  const Parsed<RegionData> parsed = parse_region_write(write, 64);
  ASSERT_EQ(parsed.error, 0);
  EXPECT_EQ(parsed.value.data.size(), 4u);
  EXPECT_EQ(parsed.value.data[0], std::byte{0x78});
  EXPECT_EQ(parse_region_write(write, 3).error, EINVAL);
  EXPECT_EQ(parse_region_write(message_of(Command::RegionWrite, bytes_of(RegionAccess{8, 0, 4}, 'a')), 64).error,
            EINVAL);
  EXPECT_EQ(
      parse_region_write(message_of(Command::RegionWrite, bytes_of(RegionAccess{8, 0, 0xffff'fff0})), ~0ull).error,
      EINVAL);
}

TEST(DmaMessage, ItsAnswerMayHaveAShortCount) {
  Message message = message_of(Command::DmaWrite, bytes_of(std::uint64_t{0x1000}, std::uint32_t{64}));
  EXPECT_EQ(parse_dma_access(message, false, 4096).error, EINVAL);
  message.header.flags = kFlagReply;
  const Parsed<DmaData> parsed = parse_dma_access(message, false, 4096);
  ASSERT_EQ(parsed.error, 0);
  EXPECT_EQ(parsed.value.access.count, 64u);
  EXPECT_EQ(parse_dma_access(message, true, 4096).error, EINVAL) << "a reply to a read has data";
  EXPECT_EQ(parse_dma_access(message_of(Command::DmaRead, bytes_of(DmaAccess{0, 2}, 'a')), true, 64).error, EINVAL);
}

}  // namespace
}  // namespace holdover::vfio_user
