// SPDX-License-Identifier: MIT
// Claims about Kexec Handover: what is preserved survives, once; what cannot be read is never believed.
#include "host/kernel/kho/kho.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "host/kernel/kho/abi.h"
#include "host/kernel/kho/block_set.h"
#include "host/kernel/kho/dram_value.h"
#include "tests/unit/host/successive_kernels.h"

namespace holdover::host::kernel {
namespace {

using testing::kPage;

class KhoTest : public ::testing::Test {
 protected:
  KhoTest() { boot(); }

  void boot() {
    kho_.reset();
    pages_ = memory_.begin_kernel();
    kho_ = std::make_unique<Kho>(*pages_, memory_.parameters(), true,
                                 [this](std::string_view line) { console_.emplace_back(line); });
  }
  void kexec() {
    memory_.jump(kho_->fdt());
    boot();
  }
  Kho& kho() { return *kho_; }
  PhysicalAddress allocate(std::uint64_t count, std::uint64_t alignment = 1) {
    return pages_->allocate(count, PageState::Dma, alignment).value();
  }

  testing::Memory memory_;
  std::vector<std::string> console_;
  std::unique_ptr<PageAllocator> pages_;
  std::unique_ptr<Kho> kho_;
};

TEST_F(KhoTest, ColdBootIsNoKhoBoot) {
  EXPECT_TRUE(kho().enabled());
  EXPECT_FALSE(kho().is_kho_boot());
  EXPECT_NE(kho().fdt(), PhysicalAddress{0});
}

TEST_F(KhoTest, PreservedBytesSurviveAndOthersDoNot) {
  const PhysicalAddress kept = allocate(5);
  const PhysicalAddress lost = allocate(1);
  store(memory_.dram(), kept.raw() + 4 * kPage, std::uint64_t{42});
  store(memory_.dram(), lost.raw(), std::uint64_t{42});
  ASSERT_EQ(kho().preserve_pages(kept, 5), 0);

  kexec();

  EXPECT_TRUE(kho().is_kho_boot());
  EXPECT_EQ(load<std::uint64_t>(memory_.dram(), kept.raw() + 4 * kPage), 42u);
  EXPECT_NE(load<std::uint64_t>(memory_.dram(), lost.raw()), 42u);
  EXPECT_EQ(pages_->state(kept), PageState::Preserved);
  EXPECT_NE(pages_->state(lost), PageState::Preserved);
}

TEST_F(KhoTest, RestoreIsOneShot) {
  const PhysicalAddress page = allocate(1);
  ASSERT_EQ(kho().preserve_folio(page, 0), 0);
  kexec();

  EXPECT_EQ(kho().restore_folio(page, PageState::Dma), 0u);
  EXPECT_EQ(pages_->state(page), PageState::Dma);
  EXPECT_EQ(kho().restore_folio(page, PageState::Dma), std::nullopt);
  EXPECT_EQ(console_.size(), 1u);
}

TEST_F(KhoTest, RangesComeBackAsOneAllocationOnly) {
  const PhysicalAddress range = allocate(13);
  ASSERT_EQ(kho().preserve_pages(range, 13), 0);
  kexec();

  EXPECT_FALSE(kho().restore_pages(range + kPageSize, 12, PageState::Dma)) << "not the arguments of preserve";
  EXPECT_TRUE(kho().restore_pages(range, 13, PageState::Dma));
  EXPECT_FALSE(kho().restore_pages(range, 13, PageState::Dma));
  EXPECT_EQ(pages_->state(range + 12 * kPageSize), PageState::Dma);
}

TEST_F(KhoTest, BitsAreNotCounted) {
  const PhysicalAddress page = allocate(1);
  ASSERT_EQ(kho().preserve_folio(page, 0), 0);
  ASSERT_EQ(kho().preserve_folio(page, 0), 0);
  kho().unpreserve_folio(page, 0);
  EXPECT_FALSE(kho().is_preserved(page, 0));
  EXPECT_TRUE(console_.empty());
  kho().unpreserve_folio(page, 0);
  EXPECT_EQ(console_.size(), 1u) << "unpreserving what is not preserved warns";
}

TEST_F(KhoTest, AllocPreserveChecksItsSize) {
  PhysicalAddress out;
  EXPECT_EQ(kho().alloc_preserve(Bytes{0}, out), EINVAL);
  EXPECT_EQ(kho().alloc_preserve((4_MiB) + (1_B), out), E2BIG);
  EXPECT_EQ(kho().alloc_preserve(5 * kPageSize, out), 0);
  EXPECT_EQ(out.raw() % (8 * kPage), 0u) << "rounded up to a power of two and aligned";
  EXPECT_TRUE(kho().is_preserved(out, 3));
  kho().unpreserve_free(out, 5 * kPageSize);
  EXPECT_FALSE(kho().is_preserved(out, 3));
  EXPECT_EQ(pages_->state(out), PageState::Free);
}

TEST_F(KhoTest, ExhaustedMemoryIsReported) {
  PhysicalAddress out;
  int error = 0;
  while (error == 0) error = kho().alloc_preserve(4_MiB, out);
  EXPECT_EQ(error, ENOMEM);
}

TEST_F(KhoTest, NothingInScratchCanBePreserved) {
  const PhysicalAddress scratch{memory_.parameters().kho_scratch + 10 * kPage};
  EXPECT_EQ(kho().preserve_folio(scratch, 0), EINVAL);
  EXPECT_EQ(kho().preserve_folio(PhysicalAddress{memory_.dram().size()}, 0), EINVAL);
  EXPECT_EQ(kho().preserve_folio(allocate(2, 2) + kPageSize, 1), EINVAL) << "not aligned to its order";
}

TEST_F(KhoTest, FailedRangeLeavesNothingPreserved) {
  const PhysicalAddress before{memory_.parameters().kho_scratch - 4 * kPage};
  EXPECT_EQ(kho().preserve_pages(before, 8), EINVAL) << "runs into scratch";
  for (const PreservedFolio& folio : split_into_folios(before, 4)) {
    EXPECT_FALSE(kho().is_preserved(folio.address, folio.order));
  }
}

TEST_F(KhoTest, SubtreesCarryAddressAndSize) {
  PhysicalAddress blob;
  ASSERT_EQ(kho().alloc_preserve(100_B, blob), 0);
  ASSERT_EQ(kho().add_subtree("first", blob, 100_B), 0);
  EXPECT_EQ(kho().add_subtree("first", blob, 100_B), EEXIST);
  PhysicalAddress found;
  Bytes size;
  EXPECT_EQ(kho().retrieve_subtree("first", found, size), ENOENT) << "outgoing is not incoming";
  kexec();

  EXPECT_EQ(kho().retrieve_subtree("first", found, size), 0);
  EXPECT_EQ(found, blob);
  EXPECT_EQ(size, 100_B);
  EXPECT_EQ(kho().retrieve_subtree("second", found, size), ENOENT);
}

TEST_F(KhoTest, FullFdtPageIsReportedAndKeepsWhatItHas) {
  int error = 0;
  unsigned added = 0;
  while (error == 0) {
    error = kho().add_subtree("subtree" + std::to_string(added), PhysicalAddress{kPage}, 8_B);
    if (error == 0) ++added;
  }
  EXPECT_EQ(error, ENOMEM);
  EXPECT_EQ(decode_kho(memory_.dram(), kho().fdt())->subtrees.size(), added);
}

TEST_F(KhoTest, RemovedSubtreeIsGone) {
  ASSERT_EQ(kho().add_subtree("a", PhysicalAddress{kPage}, 8_B), 0);
  EXPECT_EQ(kho().remove_subtree(PhysicalAddress{kPage}), 0);
  EXPECT_EQ(kho().remove_subtree(PhysicalAddress{kPage}), ENOENT);
  EXPECT_TRUE(decode_kho(memory_.dram(), kho().fdt())->subtrees.empty());
}

TEST_F(KhoTest, UnreadableTreeIsANormalBoot) {
  const PhysicalAddress page = allocate(1);
  ASSERT_EQ(kho().preserve_folio(page, 0), 0);
  memory_.dram()[kho().fdt().raw()] ^= std::byte{1};
  memory_.jump(kho().fdt());
  boot();

  EXPECT_FALSE(kho().is_kho_boot());
  EXPECT_TRUE(kho().enabled()) << "the next live update is possible all the same";
  EXPECT_EQ(console_.size(), 1u);
  EXPECT_EQ(pages_->state(page), PageState::Free);
}

TEST_F(KhoTest, FolioPreservedTwiceWithDifferentOrdersIsNotBelieved) {
  const PhysicalAddress pair = allocate(2, 2);
  ASSERT_EQ(kho().preserve_folio(pair, 0), 0);
  ASSERT_EQ(kho().preserve_folio(pair, 1), 0);
  kexec();
  EXPECT_FALSE(kho().is_kho_boot());
}

TEST_F(KhoTest, SwitchedOffKhoRefusesEverything) {
  Kho off(*pages_, memory_.parameters(), false, nullptr);
  PhysicalAddress out;
  EXPECT_FALSE(off.enabled());
  EXPECT_EQ(off.fdt(), PhysicalAddress{0});
  EXPECT_EQ(off.alloc_preserve(8_B, out), EOPNOTSUPP);
  EXPECT_EQ(off.preserve_pages(allocate(1), 1), EOPNOTSUPP);
  EXPECT_EQ(off.add_subtree("a", out, 8_B), EOPNOTSUPP);
}

TEST_F(KhoTest, DecoderSeesExactlyTheTree) {
  const PhysicalAddress a = allocate(3);
  const PhysicalAddress other = allocate(1);
  ASSERT_EQ(kho().preserve_pages(a, 3), 0);
  const auto preserved = decode_preserved_pages(memory_.dram(), kho().fdt()).value();
  const auto tree = decode_kho(memory_.dram(), kho().fdt()).value();
  std::uint64_t expected = tree.structure.size();
  for (const PreservedFolio& folio : tree.folios) expected += std::uint64_t{1} << folio.order;
  // The FDT page is both: a folio of its own and part of the structure.
  EXPECT_EQ(static_cast<std::uint64_t>(std::count(preserved.begin(), preserved.end(), true)), expected - 1);
  for (std::uint64_t page = 0; page < 3; ++page) EXPECT_TRUE(preserved[a.raw() / kPage + page]);
  EXPECT_FALSE(preserved[other.raw() / kPage]);
}

// Whatever stands in the tree, decoding ends, and a kernel boots on it.
TEST_F(KhoTest, DamagedTreesNeverCrashAKernel) {
  for (std::uint64_t count : {1u, 7u, 64u, 600u}) {
    ASSERT_EQ(kho().preserve_pages(allocate(count), count), 0);
  }
  PhysicalAddress blob;
  ASSERT_EQ(kho().alloc_preserve(64_B, blob), 0);
  ASSERT_EQ(kho().add_subtree("LUO", blob, 64_B), 0);
  const PhysicalAddress fdt = kho().fdt();
  const auto structure = decode_kho(memory_.dram(), fdt)->structure;
  const std::vector<std::byte> intact(memory_.dram().begin(), memory_.dram().end());
  memory_.parameters().kho_fdt = fdt.raw();

  unsigned refused = 0;
  testing::Sequence random(1);
  for (unsigned round = 0; round < 400; ++round) {
    std::copy(intact.begin(), intact.end(), memory_.dram().begin());
    for (std::uint64_t change = random.below(4) + 1; change > 0; --change) {
      const std::uint64_t page = structure[random.below(structure.size())].raw();
      // FDT damage near its beginning, where its content is; pointers and bits anywhere.
      const std::uint64_t offset = page == fdt.raw() ? random.below(256) : random.below(kPage / 8) * 8;
      const std::uint64_t value = random.below(2) == 0 ? random.next() : random.below(5000) * kPage;
      store(memory_.dram(), page + std::min(offset, kPage - 8), value);
    }
    boot();
    refused += kho().is_kho_boot() ? 0 : 1;
  }
  EXPECT_GT(refused, 100u);
}

class BlockSetTest : public KhoTest {};

TEST_F(BlockSetTest, EntriesSurviveOverManyBlocks) {
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

TEST_F(BlockSetTest, ShrinkingDropsTheLastBlockAndGrowingAgainZeroes) {
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

TEST_F(BlockSetTest, EmptySetHasNoBlocks) {
  BlockSet set(kho(), 8);
  ASSERT_EQ(set.resize(1), 0);
  set.shrink(0);
  EXPECT_EQ(set.first(), PhysicalAddress{0});
  EXPECT_TRUE(decode_blocks(memory_.dram(), set.first(), 8)->entries.empty());
}

TEST_F(BlockSetTest, CapacityIsWhatThePageHolds) {
  EXPECT_EQ(kho_abi::block_capacity(80), 51u);
  EXPECT_EQ(kho_abi::block_capacity(64), 63u);
  EXPECT_EQ(kho_abi::block_capacity(8), 510u);
}

TEST_F(BlockSetTest, TooManyBlocksAreRefused) {
  BlockSet set(kho(), 4080);
  EXPECT_EQ(set.resize(10'001), ENOSPC);
  EXPECT_EQ(set.size(), 0u);
}

TEST_F(BlockSetTest, GrowthWithoutMemoryChangesNothing) {
  BlockSet set(kho(), 4080);
  ASSERT_EQ(set.resize(2), 0);
  EXPECT_EQ(set.resize(9000), ENOMEM);
  EXPECT_EQ(set.size(), 2u);
  EXPECT_EQ(decode_blocks(memory_.dram(), set.first(), 4080)->blocks.size(), 2u);
}

TEST_F(BlockSetTest, RestoredSetDoesNotGrow) {
  BlockSet set(kho(), 8);
  ASSERT_EQ(set.resize(1), 0);
  const PhysicalAddress first = set.first();
  kexec();
  EXPECT_EQ(BlockSet::restore(kho(), first, 8)->resize(2), EINVAL);
}

TEST_F(BlockSetTest, BrokenChainsAreRejected) {
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
