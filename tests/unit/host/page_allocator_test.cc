// SPDX-License-Identifier: MIT
#include "host/kernel/mm/page_allocator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace holdover::host::kernel {
namespace {

constexpr std::uint64_t kPages = 64;

class PageAllocatorTest : public ::testing::Test {
 protected:
  std::vector<std::byte> dram_ = std::vector<std::byte>(kPages * 4096, std::byte{0x5a});
  PageAllocator pages_{dram_, PhysicalAddress{2 * 4096}};

  static PhysicalAddress page(std::uint64_t number) { return PhysicalAddress{number * 4096}; }
};

TEST_F(PageAllocatorTest, OnlyTheMapIsTakenAtFirst) {
  EXPECT_EQ(pages_.free_pages(), kPages - 1);
  EXPECT_EQ(pages_.state(page(2)), PageState::Reserved);
}

TEST_F(PageAllocatorTest, PagesComeZeroedLowestFirstAndAligned) {
  EXPECT_EQ(pages_.allocate(2, PageState::Kernel), page(0));
  EXPECT_EQ(pages_.allocate(2, PageState::Dma), page(3));
  const auto aligned = pages_.allocate(1, PageState::Dma, 8);
  EXPECT_EQ(aligned, page(8));
  const auto bytes = pages_.bytes(page(3), 8_KiB);
  EXPECT_TRUE(std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; }));
}

TEST_F(PageAllocatorTest, ARangeThatIsNotFreeAsAWholeIsNotFound) {
  EXPECT_FALSE(pages_.allocate(kPages - 2, PageState::Kernel).has_value());
  EXPECT_FALSE(pages_.allocate(kPages + 1, PageState::Kernel).has_value());
  EXPECT_EQ(pages_.allocate(kPages - 3, PageState::Kernel), page(3));
}

TEST_F(PageAllocatorTest, FreedPagesAreHandedOutAgain) {
  const auto first = pages_.allocate(1, PageState::Dma);
  pages_.free(*first, 1);
  EXPECT_EQ(pages_.state(*first), PageState::Free);
  EXPECT_EQ(pages_.allocate(1, PageState::PageTable), first);
}

TEST_F(PageAllocatorTest, PreservedPagesAreNeverHandedOut) {
  pages_.reserve(page(0), 2, PageState::Preserved);
  EXPECT_EQ(pages_.allocate(1, PageState::Kernel), page(3));
}

TEST_F(PageAllocatorTest, ScratchServesScratchAloneAndTakesPagesBack) {
  pages_.reserve(page(10), 2, PageState::Scratch);
  EXPECT_EQ(pages_.allocate(1, PageState::Scratch), page(10));
  EXPECT_EQ(pages_.allocate(1, PageState::Scratch), page(11));
  EXPECT_FALSE(pages_.allocate(1, PageState::Scratch).has_value());
  pages_.free(page(10), 1);
  EXPECT_EQ(pages_.state(page(10)), PageState::Scratch);
  EXPECT_EQ(pages_.allocate(1, PageState::Scratch), page(10));
}

TEST_F(PageAllocatorTest, AnotherKernelKnowsNothingButTheMapInDram) {
  (void)pages_.allocate(4, PageState::Dma);
  const PageAllocator next{dram_, page(40)};
  EXPECT_EQ(next.free_pages(), kPages - 1);
}

}  // namespace
}  // namespace holdover::host::kernel
