// SPDX-License-Identifier: MIT
// The rings between driver and channel, against a device that is only a few bytes of memory.
#include "host/driver/descriptor_ring.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace holdover::host {
namespace {

constexpr unsigned kEntries = 4;

class Rings : public ::testing::Test {
 protected:
  // The device writes record `number`.
  void complete(std::uint64_t number, std::uint32_t cookie) {
    const std::uint32_t phase = (number / kEntries) % 2 == 0 ? kCompletionPhase : 0;
    const DmaCompletion record{static_cast<std::uint32_t>(number), phase, 1, cookie};
    std::memcpy(completion_bytes_.data() + number % kEntries * sizeof(record), &record, sizeof(record));
  }

  std::vector<std::byte> descriptor_bytes_ = std::vector<std::byte>(kEntries * sizeof(DmaDescriptor));
  std::vector<std::byte> completion_bytes_ = std::vector<std::byte>(kEntries * sizeof(DmaCompletion));
};

TEST_F(Rings, APushedDescriptorLiesInItsSlotAsTheDeviceReadsIt) {
  DescriptorRing ring(descriptor_bytes_, kEntries);
  ASSERT_TRUE(ring.push({0x1122'3344'5566'7788, 0x99, 4097, kDescriptorInterrupt, 42, 0}, 0));

  EXPECT_EQ(descriptor_bytes_[0], std::byte{0x88});
  EXPECT_EQ(descriptor_bytes_[16], std::byte{0x01});  // length, low byte
  EXPECT_EQ(ring.at(0).cookie, 42u);
}

TEST_F(Rings, AFullRingTakesNothingAndChangesNothing) {
  DescriptorRing ring(descriptor_bytes_, kEntries);
  for (std::uint32_t n = 0; n < kEntries; ++n) {
    ASSERT_TRUE(ring.push({n, 0, 1, 0, n, 0}, 0));
  }
  const std::vector<std::byte> before = descriptor_bytes_;

  EXPECT_FALSE(ring.push({99, 0, 1, 0, 99, 0}, 0));
  EXPECT_EQ(descriptor_bytes_, before);
  EXPECT_EQ(ring.tail(), kEntries);
}

TEST_F(Rings, AFinishedDescriptorFreesItsSlot) {
  DescriptorRing ring(descriptor_bytes_, kEntries);
  for (std::uint32_t n = 0; n < kEntries; ++n) {
    ASSERT_TRUE(ring.push({n, 0, 1, 0, n, 0}, 0));
  }
  EXPECT_TRUE(ring.push({4, 0, 1, 0, 4, 0}, 1));
  EXPECT_EQ(ring.at(0).cookie, 4u);
  EXPECT_FALSE(ring.push({5, 0, 1, 0, 5, 0}, 1));
}

TEST_F(Rings, ARingThatIsTakenOverGoesOnAtItsTail) {
  DescriptorRing ring(descriptor_bytes_, kEntries, 7);
  ASSERT_TRUE(ring.push({0, 0, 1, 0, 77, 0}, 7));
  EXPECT_EQ(ring.at(3).cookie, 77u);
  EXPECT_EQ(ring.tail(), 8u);
}

TEST_F(Rings, ZeroedMemoryHoldsNoRecord) { EXPECT_FALSE(CompletionRing(completion_bytes_, kEntries).take()); }

TEST_F(Rings, RecordsComeInOrderAndOnceOverSeveralLaps) {
  CompletionRing ring(completion_bytes_, kEntries);
  for (std::uint32_t number = 0; number < 3 * kEntries + 1; ++number) {
    ASSERT_FALSE(ring.take()) << "record " << number << " is not written yet";
    complete(number, 100 + number);
    const std::optional<DmaCompletion> record = ring.take();
    ASSERT_TRUE(record) << "record " << number;
    EXPECT_EQ(record->cookie, 100 + number);
  }
}

TEST_F(Rings, ARecordOfTheWrongNumberIsNotTaken) {
  CompletionRing ring(completion_bytes_, kEntries);
  complete(1, 7);
  std::memmove(completion_bytes_.data(), completion_bytes_.data() + sizeof(DmaCompletion), sizeof(DmaCompletion));
  EXPECT_FALSE(ring.take());
}

TEST_F(Rings, ACompletionRingThatIsTakenOverExpectsTheRightPhase) {
  complete(3, 3);
  complete(4, 4);
  CompletionRing ring(completion_bytes_, kEntries, 4);
  const std::optional<DmaCompletion> record = ring.take();
  ASSERT_TRUE(record);
  EXPECT_EQ(record->cookie, 4u);
  EXPECT_FALSE(ring.take());
}

}  // namespace
}  // namespace holdover::host
