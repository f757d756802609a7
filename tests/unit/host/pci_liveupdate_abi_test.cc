// SPDX-License-Identifier: MIT
// The table that crosses the kexec, byte for byte, in every version.
#include <gtest/gtest.h>

#include "host/kernel/kho/abi.h"
#include "host/kernel/pci/abi/pci_v3.h"
#include "host/kernel/pci/abi/pci_v4.h"
#include "host/kernel/pci/abi/pci_v7.h"
#include "host/kernel/pci/abi/pci_v8.h"
#include "tests/unit/host/pci_series_fixture.h"

namespace holdover::host::kernel {
namespace {

using namespace testing;

class PciAbi : public EveryPciSeries {
 protected:
  template <typename Value>
  Value at(std::uint64_t offset) {
    return load<Value>(memory_.dram(), handed_.data + offset);
  }
};
// What only some versions have.
class PciAbiSinceV7 : public PciAbi {};
class PciAbiV3 : public PciAbi {};
class PciAbiV4ToV6 : public PciAbi {};

TEST_P(PciAbi, StringOfTheVersion) {
  const std::map<PciSeries, std::string> expected{
      {PciSeries::V3, "pci-v1"}, {PciSeries::V4, "pci-v2"}, {PciSeries::V5, "pci-v2"}, {PciSeries::V6, "pci-v3"},
      {PciSeries::V7, "pci-v2"}, {PciSeries::V8, "pci"},    {PciSeries::V9, "pci"}};
  ASSERT_EQ(session().preserve(&left_, 1), 0);
  freeze();
  EXPECT_EQ(handed_.name, expected.at(GetParam()));
  EXPECT_EQ(handed_.count, 1u) << "files";
}

TEST_P(PciAbi, HeaderCountsEndpointsAndBridgesEachOnce) {
  LuoSession& s = session();
  ASSERT_EQ(s.preserve(&left_, 1), 0);
  ASSERT_EQ(s.preserve(&right_, 2), 0);
  freeze();
  if (before(PciSeries::V4)) {
    EXPECT_EQ(at<std::uint64_t>(0), 6u) << "room";
    EXPECT_EQ(at<std::uint64_t>(8), 2u) << "functions alone";
  } else if (before(PciSeries::V7)) {
    EXPECT_EQ(at<std::uint32_t>(0), 6u) << "room";
    EXPECT_EQ(at<std::uint32_t>(4), 6u);
  } else if (before(PciSeries::V8)) {
    EXPECT_EQ(at<std::uint32_t>(0), 6u);
    EXPECT_EQ(at<std::uint64_t>(4) % kPage, 0u);
    EXPECT_EQ(load<std::uint64_t>(memory_.dram(), at<std::uint64_t>(4) + 8), 6u) << "entries of the first block";
  } else {
    EXPECT_EQ(at<std::uint32_t>(0), 1u) << "version";
    EXPECT_EQ(at<std::uint32_t>(4), 6u);
    EXPECT_EQ(at<std::uint64_t>(8) % kPage, 0u);
  }
}

TEST_P(PciAbi, FirstEntryIsDomainBdfAndCount) {
  ASSERT_EQ(session().preserve(&left_, 1), 0);
  freeze();
  const std::uint64_t first = before(PciSeries::V4)   ? handed_.data + 16
                              : before(PciSeries::V7) ? handed_.data + 8
                              : before(PciSeries::V8) ? at<std::uint64_t>(4) + 16
                                                      : at<std::uint64_t>(8) + 16;
  const pcie::Bdf expected = GetParam() == PciSeries::V4 ? kRootPort : kLeft;  // v4 begins at the root
  EXPECT_EQ(load<std::uint32_t>(memory_.dram(), first), 0u);
  EXPECT_EQ(load<std::uint16_t>(memory_.dram(), first + 4), expected.requester_id());
  EXPECT_EQ(load<std::uint16_t>(memory_.dram(), first + 6), before(PciSeries::V4) ? 0u : 1u);
}

TEST_P(PciAbiV3, ArrayOfV3IsSortedByDomainAndBdf) {
  FunctionFile& other_segment = open_file({1, 0, 2, 0}, {});
  LuoSession& s = session();
  ASSERT_EQ(s.preserve(&other_segment, 3), 0);
  ASSERT_EQ(s.preserve(&right_, 2), 0);
  ASSERT_EQ(s.preserve(&left_, 1), 0);
  freeze();
  const auto devices = decode_pci_table(memory_.dram(), PhysicalAddress{handed_.data}, PciLayout::SortedArray).value();
  const std::vector<HandedPciDevice> expected{{kLeft, 1}, {kRight, 1}, {{1, 0, 2, 0}, 1}};
  EXPECT_EQ(devices, expected);
  pci_->unpreserve(right_.path);
  EXPECT_EQ(at<std::uint64_t>(8), 2u);
  EXPECT_EQ(at<std::uint16_t>(16 + 4), kLeft.requester_id());
  EXPECT_EQ(at<std::uint32_t>(24), 1u) << "moved up";
}

TEST_P(PciAbiV4ToV6, ArrayOfV4ToV6IsSparse) {
  LuoSession& left = session("left");
  ASSERT_EQ(left.preserve(&left_, 1), 0);
  ASSERT_EQ(session("right").preserve(&right_, 2), 0);
  left.close();
  freeze();
  EXPECT_EQ(at<std::uint32_t>(4), 4u);
  unsigned free = 0;
  for (unsigned slot = 0; slot < 6; ++slot) free += at<std::uint64_t>(8 + 8 * slot) == 0 ? 1 : 0;
  EXPECT_EQ(free, 2u) << "wiped";
  EXPECT_EQ(counts().size(), 4u);
  EXPECT_EQ(counts()[kRootPort], 1u);
}

TEST_P(PciAbiSinceV7, BlocksHoldFiveHundredAndTenAndHaveNoMaximum) {
  LuoSession& s = session();
  for (unsigned index = 0; index < 600; ++index) {
    const auto function = pcie::Bdf::from_requester_id(static_cast<pcie::RequesterId>(0x1000 + index));
    ASSERT_EQ(s.preserve(&open_file(function, {kRootPort}), 1000 + index), 0);
  }
  freeze();
  const auto first = at<std::uint64_t>(before(PciSeries::V8) ? 4 : 8);
  EXPECT_EQ(load<std::uint64_t>(memory_.dram(), first + 8), 510u);
  EXPECT_NE(load<std::uint64_t>(memory_.dram(), first), 0u) << "a second block";
  EXPECT_EQ(counts().size(), 601u);
  EXPECT_EQ(counts()[kRootPort], 600u);
}

TEST_P(PciAbi, TableGoesWithTheLastFile) {
  LuoSession& warm = session();
  ASSERT_EQ(warm.preserve(&left_, 1), 0);
  warm.close();
  const std::uint64_t before = pages_->free_pages();
  LuoSession& s = session();
  ASSERT_EQ(s.preserve(&left_, 1), 0);
  s.close();
  EXPECT_EQ(pages_->free_pages(), before);
}

TEST_P(PciAbi, FinishedTableIsGivenBack) {
  ASSERT_EQ(session().preserve(&left_, 1), 0);
  kexec(GetParam());
  scan();
  ASSERT_EQ(retrieved().finish(), 0);
  EXPECT_EQ(pci_->incoming_nr_devices(), 0u);
  EXPECT_EQ(lines_with("PCI"), 0u);
  EXPECT_EQ(lines_with("underflows"), 0u);
}

TEST_P(PciAbi, IncomingAndOutgoingAreTablesApart) {
  ASSERT_EQ(session("first").preserve(&left_, 1), 0);
  kexec(GetParam());
  scan();
  ASSERT_EQ(session("second").preserve(&left_, 1), 0);
  ASSERT_EQ(session("third").preserve(&right_, 2), 0);
  EXPECT_TRUE(pci_->is_incoming(kLeft) && pci_->is_outgoing(kLeft));
  EXPECT_FALSE(pci_->is_incoming(kRight));
  ASSERT_EQ(retrieved("first").finish(), 0);
  EXPECT_FALSE(pci_->is_incoming(kLeft));
  EXPECT_TRUE(pci_->is_outgoing(kLeft));
  kexec(GetParam());
  scan();
  EXPECT_TRUE(pci_->is_incoming(kLeft) && pci_->is_incoming(kRight));
}

// Two endpoints under one switch, unpreserved and finished in both orders.
TEST_P(PciAbi, SharedBridgesLastAsLongAsTheLastEndpoint) {
  for (const bool left_first : {true, false}) {
    memory_ = Memory();
    boot(GetParam());
    LuoSession& left = session("left");
    LuoSession& right = session("right");
    ASSERT_EQ(left.preserve(&left_, 1), 0);
    ASSERT_EQ(right.preserve(&right_, 2), 0);
    (left_first ? left : right).close();
    EXPECT_EQ(pci_->is_outgoing(kUpstream), since(PciSeries::V4));
    (left_first ? right : left).close();
    EXPECT_EQ(pci_->outgoing_devices(), 0u);

    ASSERT_EQ(session("left").preserve(&left_, 1), 0);
    ASSERT_EQ(session("right").preserve(&right_, 2), 0);
    kexec(GetParam());
    scan();
    ASSERT_EQ(retrieved(left_first ? "left" : "right").finish(), 0);
    EXPECT_EQ(pci_->is_incoming(kUpstream), since(PciSeries::V4));
    EXPECT_TRUE(pci_->is_incoming(left_first ? kRight : kLeft));
    ASSERT_EQ(retrieved(left_first ? "right" : "left").finish(), 0);
    EXPECT_FALSE(pci_->is_incoming(kUpstream));
    EXPECT_EQ(pci_->incoming_nr_devices(), 0u);
    // v4 puts a reference for every bridge of each path, though they hold one each.
    EXPECT_EQ(lines_with("underflows") + lines_with("given back already") != 0, GetParam() == PciSeries::V4);
  }
}

INSTANTIATE_TEST_SUITE_P(, PciAbi, ::testing::ValuesIn(kEverySeries), series_name);
INSTANTIATE_TEST_SUITE_P(, PciAbiSinceV7, ::testing::ValuesIn(series(PciSeries::V7, PciSeries::V9)), series_name);
INSTANTIATE_TEST_SUITE_P(, PciAbiV3, ::testing::ValuesIn(series(PciSeries::V3, PciSeries::V3)), series_name);
INSTANTIATE_TEST_SUITE_P(, PciAbiV4ToV6, ::testing::ValuesIn(series(PciSeries::V4, PciSeries::V6)), series_name);

}  // namespace
}  // namespace holdover::host::kernel
