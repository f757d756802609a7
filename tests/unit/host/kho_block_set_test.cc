// SPDX-License-Identifier: MIT
// Claims about serialization blocks: what they hold, how they grow, and which chains are believed.
#include <gtest/gtest.h>

#include <cerrno>

#include "host/kernel/kho/abi.h"
#include "host/kernel/kho/block_set.h"
#include "host/kernel/kho/dram_value.h"
#include "tests/unit/host/kho_fixture.h"

namespace holdover::host::kernel {
namespace {

class KhoBlockSet : public KhoFixture {};

TEST_F(KhoBlockSet, EntriesSurviveOverManyBlocks) {
  BlockSet set(kho(), 80);
  ASSERT_EQ(set.resize(130), 0);  // 51 fit in a block
  for (std::uint64_t index = 0; index < 130; ++index) store(set.entry(index), 0, index + 1000);
  const PhysicalAddress first = set.first();
  kexec();

  const auto restored = BlockSet::restore(kho(), first, 80).value();
  ASSERT_EQ(restored.size(), 130u);
  for (std::uint64_t index = 0; index < 130; ++index) {
    EXPECT_EQ(load<std::uint64_t>(restored.entry(index), 0), index + 1000);
  }
  EXPECT_EQ(BlockSet::restore(kho(), first, 80), std::nullopt) << "one shot";
}

TEST_F(KhoBlockSet, ShrinkingDropsTheLastBlockOnlyAndGrowingAgainZeroes) {
  BlockSet set(kho(), 2000);  // two per block
  ASSERT_EQ(set.resize(3), 0);
  store(set.entry(1), 0, std::uint64_t{7});
  const PhysicalAddress first = set.first();
  set.shrink(1);
  EXPECT_EQ(set.first(), first);
  ASSERT_EQ(set.resize(2), 0);
  EXPECT_EQ(load<std::uint64_t>(set.entry(1), 0), 0u);
  EXPECT_EQ(decode_blocks(memory_.dram(), first, 2000)->blocks.size(), 1u);
}

TEST_F(KhoBlockSet, EmptySetHasNoBlocks) {
  BlockSet set(kho(), 8);
  ASSERT_EQ(set.resize(1), 0);
  set.shrink(0);
  EXPECT_EQ(set.first(), PhysicalAddress{0});
  EXPECT_TRUE(decode_blocks(memory_.dram(), set.first(), 8)->entries.empty());
}

TEST_F(KhoBlockSet, CapacityIsWhatThePageHolds) {
  EXPECT_EQ(kho_abi::block_capacity(80), 51u);
  EXPECT_EQ(kho_abi::block_capacity(64), 63u);
  EXPECT_EQ(kho_abi::block_capacity(8), 510u);
}

TEST_F(KhoBlockSet, TenThousandBlocksAndOneMoreIsEnospc) {
  BlockSet set(kho(), 4080);
  EXPECT_EQ(set.resize(10'001), ENOSPC);
  EXPECT_EQ(set.size(), 0u);
}

TEST_F(KhoBlockSet, GrowthWithoutMemoryIsEnomemAndChangesNothing) {
  BlockSet set(kho(), 4080);
  ASSERT_EQ(set.resize(2), 0);
  EXPECT_EQ(set.resize(9000), ENOMEM);
  EXPECT_EQ(set.size(), 2u);
  EXPECT_EQ(decode_blocks(memory_.dram(), set.first(), 4080)->blocks.size(), 2u);
}

TEST_F(KhoBlockSet, RestoredSetCannotGrow) {
  BlockSet set(kho(), 8);
  ASSERT_EQ(set.resize(1), 0);
  const PhysicalAddress first = set.first();
  kexec();
  EXPECT_EQ(BlockSet::restore(kho(), first, 8)->resize(2), EINVAL);
}

TEST_F(KhoBlockSet, AChainThatRunsIntoALargerFolioTakesNothingOver) {
  BlockSet set(kho(), 80);
  ASSERT_EQ(set.resize(51), 0);
  const std::uint64_t first = set.first().raw();
  PhysicalAddress foreign;
  ASSERT_EQ(kho().alloc_preserve(Bytes{2 * testing::kPage}, foreign), 0);
  store(memory_.dram(), first, kho_abi::BlockHeader{foreign.raw(), 51});
  store(memory_.dram(), foreign.raw(), kho_abi::BlockHeader{0, 1});
  kexec();

  const std::size_t waiting = kho().unrestored();
  EXPECT_EQ(BlockSet::restore(kho(), PhysicalAddress{first}, 80), std::nullopt);
  EXPECT_EQ(kho().unrestored(), waiting);
}

TEST_F(KhoBlockSet, BrokenChainsAreRejected) {
  BlockSet set(kho(), 80);
  ASSERT_EQ(set.resize(60), 0);
  const std::uint64_t first = set.first().raw();
  const auto intact = load<kho_abi::BlockHeader>(memory_.dram(), first);
  const auto rejected = [&](kho_abi::BlockHeader header) {
    store(memory_.dram(), first, header);
    return !decode_blocks(memory_.dram(), set.first(), 80).has_value();
  };
  EXPECT_TRUE(rejected({first, 51})) << "a cycle";
  EXPECT_TRUE(rejected({intact.next, 0})) << "an empty block";
  EXPECT_TRUE(rejected({intact.next, 52})) << "beyond capacity";
  EXPECT_TRUE(rejected({intact.next + 8, 51})) << "no page";
  EXPECT_TRUE(rejected({memory_.dram().size(), 51})) << "beyond DRAM";
  EXPECT_FALSE(rejected(intact));
}

}  // namespace
}  // namespace holdover::host::kernel
