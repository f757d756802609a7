// SPDX-License-Identifier: MIT
// Interrupt remapping of the IOMMU: entries, sub-handles, and what is blocked.
#include <gtest/gtest.h>

#include "sim/iommu.h"
#include "tests/unit/sim/iommu_fixture.h"

namespace holdover::sim {
namespace {

constexpr PhysicalAddress kRemapTable{0x8000};

class RemappingTest : public IommuTest {
 protected:
  RemappingTest() {
    iommu_.write_register(0xb8, 8, kRemapTable.raw() | 3);  // 16 entries
    command(1u << 24);
    command(1u << 25);
    put_entry(4, (std::uint64_t{0x51} << 16) | 1, (std::uint64_t{1} << 18) | kFunction);
  }
  void put_entry(std::uint64_t index, std::uint64_t low, std::uint64_t high) {
    put(kRemapTable + Bytes{index * 16}, low);
    put(kRemapTable + Bytes{index * 16 + 8}, high);
  }
  [[nodiscard]] RemappedMessage send(std::uint64_t handle, std::uint32_t data = 0, bool sub_handle = false,
                                     pcie::RequesterId requester = kFunction) {
    const std::uint64_t address = 0xfee0'0010 | ((handle & 0x7fff) << 5) | (sub_handle ? 8 : 0);
    return iommu_.remap_message(Time{1}, requester, address, data);
  }
};

TEST_F(IommuTest, WithoutRemappingTheVectorIsInTheData) {
  EXPECT_EQ(iommu_.remap_message(Time{1}, kFunction, 0xfee0'0000, 0x41).vector, 0x41);
}

TEST_F(RemappingTest, TheEntryGivesTheVector) {
  const RemappedMessage message = send(4);

  EXPECT_EQ(message.vector, 0x51);
  EXPECT_EQ(message.reads, 1u);
}

TEST_F(RemappingTest, TheSubHandleCounts) {
  EXPECT_EQ(send(1, 3, true).vector, 0x51);
  EXPECT_EQ(send(1, 0x1'0003, true).fault, IommuFault::MessageReservedBits);
}

TEST_F(RemappingTest, AnotherRequesterIsBlocked) {
  const RemappedMessage message = send(4, 0, false, 0x0200);

  EXPECT_FALSE(message.vector);
  EXPECT_EQ(message.fault, IommuFault::MessageSourceMismatch);
  EXPECT_EQ(iommu_.read_register(0x220, 8), std::uint64_t{4} << 48);
  EXPECT_EQ(faults_.size(), 1u);
}

TEST_F(RemappingTest, BadEntriesAndIndicesAreBlocked) {
  put_entry(5, std::uint64_t{0x51} << 16, 0);
  put_entry(6, (std::uint64_t{1} << 30) | 1, 0);
  put_entry(7, 1, std::uint64_t{1} << 40);
  put_entry(8, (1u << 15) | 1, 0);  // posted

  EXPECT_EQ(send(5).fault, IommuFault::MessageEntryNotPresent);
  EXPECT_EQ(send(6).fault, IommuFault::MessageEntryReservedBits);
  EXPECT_EQ(send(7).fault, IommuFault::MessageEntryReservedBits);
  EXPECT_EQ(send(8).fault, IommuFault::MessageEntryReservedBits);
  EXPECT_EQ(send(16).fault, IommuFault::MessageIndexTooLarge);
}

TEST_F(RemappingTest, ATableOutsideMemoryBlocks) {
  iommu_.write_register(0xb8, 8, 0x4000'0003);
  EXPECT_EQ(send(4).vector, 0x51);
  command(1u << 24);

  EXPECT_EQ(send(4).fault, IommuFault::MessageTableOutsideMemory);
}

TEST_F(RemappingTest, CompatibilityMessagesPassOnlyWhereTheyAreLetThrough) {
  EXPECT_EQ(iommu_.remap_message(Time{1}, kFunction, 0xfee0'0000, 0x41).fault, IommuFault::CompatibilityMessageBlocked);
  command(1u << 23);

  EXPECT_EQ(iommu_.remap_message(Time{1}, kFunction, 0xfee0'0000, 0x41).vector, 0x41);
}

}  // namespace
}  // namespace holdover::sim
