// SPDX-License-Identifier: MIT
#include "sim/host_memory.h"

#include <gmock/gmock.h>
#include <sys/mman.h>

#include <array>
#include <cstring>
#include <vector>

namespace holdover::sim {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

std::vector<std::byte> bytes(std::initializer_list<int> values) {
  std::vector<std::byte> result;
  for (const int value : values) result.push_back(static_cast<std::byte>(value));
  return result;
}

TEST(HostMemory, BeginsAsZeros) {
  const HostMemory memory{64_KiB};

  EXPECT_EQ(memory.pages(), 16u);
  EXPECT_THAT(memory.bytes(), Each(std::byte{0}));
}

TEST(HostMemory, ReadsWhatWasWritten) {
  HostMemory memory{16_KiB};
  const auto data = bytes({1, 2, 3});
  std::vector<std::byte> back(3);

  ASSERT_TRUE(memory.write(PhysicalAddress{4095}, data));
  ASSERT_TRUE(memory.read(PhysicalAddress{4095}, back));

  EXPECT_EQ(back, data);
}

TEST(HostMemory, RefusesWhatReachesOutsideAndTouchesNothing) {
  HostMemory memory{16_KiB};
  const auto data = bytes({1, 2, 3, 4});
  auto back = bytes({7, 7, 7, 7});
  std::uint64_t word = 5;

  for (const std::uint64_t address : {(16_KiB).count() - 3, (16_KiB).count(), ~std::uint64_t{0} - 1}) {
    EXPECT_FALSE(memory.write(PhysicalAddress{address}, data));
    EXPECT_FALSE(memory.read(PhysicalAddress{address}, back));
  }
  EXPECT_FALSE(memory.write(PhysicalAddress{(16_KiB).count()}, data, 0xf, 0));
  EXPECT_FALSE(memory.read_word(PhysicalAddress{(16_KiB).count()}, word));

  EXPECT_THAT(memory.bytes(), Each(std::byte{0}));
  EXPECT_EQ(back, bytes({7, 7, 7, 7}));
}

TEST(HostMemory, ByteEnablesOfOneDoubleWordAreTheFirstOnes) {
  HostMemory memory{4_KiB};

  ASSERT_TRUE(memory.write(PhysicalAddress{8}, bytes({1, 2, 3, 4}), 0b0110, 0));

  EXPECT_THAT(memory.bytes().subspan(8, 4), ElementsAre(std::byte{0}, std::byte{2}, std::byte{3}, std::byte{0}));
}

TEST(HostMemory, ByteEnablesTrimBothEnds) {
  HostMemory memory{4_KiB};

  ASSERT_TRUE(memory.write(PhysicalAddress{8}, bytes({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}), 0b1000, 0b0001));

  const auto written = memory.bytes().subspan(8, 12);
  const auto expected = bytes({0, 0, 0, 4, 5, 6, 7, 8, 9, 0, 0, 0});
  EXPECT_TRUE(std::equal(written.begin(), written.end(), expected.begin()));
}

TEST(HostMemory, PoisonFillsOnePageAndDiffersFromPageToPage) {
  HostMemory memory{16_KiB};

  memory.poison(1);
  memory.poison(2);

  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::uint64_t other = 0;
  ASSERT_TRUE(memory.read_word(PhysicalAddress{4096}, first));
  ASSERT_TRUE(memory.read_word(PhysicalAddress{8184}, last));
  ASSERT_TRUE(memory.read_word(PhysicalAddress{8192}, other));
  EXPECT_EQ(first, poison_word(1));
  EXPECT_EQ(last, poison_word(1));
  EXPECT_EQ(other, poison_word(2));
  EXPECT_THAT(memory.bytes().first(4096), Each(std::byte{0}));
  EXPECT_THAT(memory.bytes().last(4096), Each(std::byte{0}));
}

TEST(HostMemory, ItsDescriptorMapsTheSamePages) {
  HostMemory memory{4_KiB};
  void* mapped = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, memory.descriptor(), 0);
  ASSERT_NE(mapped, MAP_FAILED);

  ASSERT_TRUE(memory.write(PhysicalAddress{100}, bytes({42})));

  EXPECT_EQ(static_cast<const std::byte*>(mapped)[100], std::byte{42});
  ::munmap(mapped, 4096);
}

}  // namespace
}  // namespace holdover::sim
