// SPDX-License-Identifier: MIT
// Claims about Kexec Handover: what is preserved survives, once; what cannot be read is never believed.
#include "host/kernel/kho/kho.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "host/kernel/kho/abi.h"
#include "host/kernel/kho/block_set.h"
#include "host/kernel/kho/dram_value.h"
#include "tests/unit/host/kho_fixture.h"

namespace holdover::host::kernel {
namespace {

using testing::kPage;

class Kho : public KhoFixture {};

TEST_F(Kho, ColdBootIsNoKhoBoot) {
  EXPECT_TRUE(kho().enabled());
  EXPECT_FALSE(kho().is_kho_boot());
  EXPECT_NE(kho().fdt(), PhysicalAddress{0});
}

TEST_F(Kho, PreservedBytesSurviveAndOthersDoNot) {
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

TEST_F(Kho, RestoreIsOneShot) {
  const PhysicalAddress page = allocate(1);
  ASSERT_EQ(kho().preserve_folio(page, 0), 0);
  kexec();

  EXPECT_EQ(kho().restore_folio(page, PageState::Dma), 0u);
  EXPECT_EQ(pages_->state(page), PageState::Dma);
  EXPECT_EQ(kho().restore_folio(page, PageState::Dma), std::nullopt);
  EXPECT_EQ(console_.size(), 1u);
}

TEST_F(Kho, RangesComeBackAsOneAllocationOnly) {
  const PhysicalAddress range = allocate(13);
  ASSERT_EQ(kho().preserve_pages(range, 13), 0);
  kexec();

  EXPECT_FALSE(kho().restore_pages(range + kPageSize, 12, PageState::Dma)) << "not the arguments of preserve";
  EXPECT_TRUE(kho().restore_pages(range, 13, PageState::Dma));
  EXPECT_FALSE(kho().restore_pages(range, 13, PageState::Dma));
  EXPECT_EQ(pages_->state(range + 12 * kPageSize), PageState::Dma);
}

TEST_F(Kho, BitsAreNotCounted) {
  const PhysicalAddress page = allocate(1);
  ASSERT_EQ(kho().preserve_folio(page, 0), 0);
  ASSERT_EQ(kho().preserve_folio(page, 0), 0);
  kho().unpreserve_folio(page, 0);
  EXPECT_FALSE(kho().is_preserved(page, 0));
  EXPECT_TRUE(console_.empty());
  kho().unpreserve_folio(page, 0);
  EXPECT_EQ(console_.size(), 1u) << "unpreserving what is not preserved warns";
}

TEST_F(Kho, AllocPreserveOfNothingIsEinvalAndAboveTheBiggestOrderE2big) {
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

TEST_F(Kho, AllocPreserveWithoutMemoryIsEnomem) {
  PhysicalAddress out;
  int error = 0;
  while (error == 0) error = kho().alloc_preserve(4_MiB, out);
  EXPECT_EQ(error, ENOMEM);
}

TEST_F(Kho, PagesInScratchAreEinvalWithTheCheck) {
  const PhysicalAddress scratch{memory_.parameters().kho_scratch + 10 * kPage};
  EXPECT_EQ(kho().preserve_folio(scratch, 0), EINVAL);
  EXPECT_EQ(kho().preserve_folio(PhysicalAddress{memory_.dram().size()}, 0), EINVAL);
  EXPECT_EQ(kho().preserve_folio(allocate(2, 2) + kPageSize, 1), EINVAL) << "not aligned to its order";
}

TEST_F(Kho, FailedRangeIsUndone) {
  const PhysicalAddress before{memory_.parameters().kho_scratch - 4 * kPage};
  EXPECT_EQ(kho().preserve_pages(before, 8), EINVAL) << "runs into scratch";
  for (const PreservedFolio& folio : split_into_folios(before, 4)) {
    EXPECT_FALSE(kho().is_preserved(folio.address, folio.order));
  }
}

TEST_F(Kho, SubtreesCarryAddressAndSize) {
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

TEST_F(Kho, FullFdtPageIsEnomemAndKeepsWhatItHas) {
  int error = 0;
  unsigned added = 0;
  while (error == 0) {
    error = kho().add_subtree("subtree" + std::to_string(added), PhysicalAddress{kPage}, 8_B);
    if (error == 0) ++added;
  }
  EXPECT_EQ(error, ENOMEM);
  EXPECT_EQ(decode_kho(memory_.dram(), kho().fdt())->subtrees.size(), added);
}

TEST_F(Kho, RemovedSubtreeIsGoneAndUnknownIsEnoent) {
  ASSERT_EQ(kho().add_subtree("a", PhysicalAddress{kPage}, 8_B), 0);
  EXPECT_EQ(kho().remove_subtree(PhysicalAddress{kPage}), 0);
  EXPECT_EQ(kho().remove_subtree(PhysicalAddress{kPage}), ENOENT);
  EXPECT_TRUE(decode_kho(memory_.dram(), kho().fdt())->subtrees.empty());
}

TEST_F(Kho, UnreadableTreeIsANormalBoot) {
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

TEST_F(Kho, FolioPreservedTwiceWithDifferentOrdersIsNotBelieved) {
  const PhysicalAddress pair = allocate(2, 2);
  ASSERT_EQ(kho().preserve_folio(pair, 0), 0);
  ASSERT_EQ(kho().preserve_folio(pair, 1), 0);
  kexec();
  EXPECT_FALSE(kho().is_kho_boot());
}

TEST_F(Kho, SwitchedOffKhoRefusesEverything) {
  kernel::Kho off(*pages_, memory_.parameters(), false, nullptr);
  PhysicalAddress out;
  EXPECT_FALSE(off.enabled());
  EXPECT_EQ(off.fdt(), PhysicalAddress{0});
  EXPECT_EQ(off.alloc_preserve(8_B, out), EOPNOTSUPP);
  EXPECT_EQ(off.preserve_pages(allocate(1), 1), EOPNOTSUPP);
  EXPECT_EQ(off.add_subtree("a", out, 8_B), EOPNOTSUPP);
}

TEST_F(Kho, DecoderSeesExactlyTheTree) {
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
TEST_F(Kho, DamagedTreesNeverCrashAKernel) {
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

// H135: without the debug check the kernel believes that the pages are safe, and the next one boots on top of them.
TEST_F(Kho, PagesInScratchAreSilentlyLostWithoutTheCheck) {
  boot(false);
  const PhysicalAddress scratch{memory_.parameters().kho_scratch + 10 * kPage};
  const PhysicalAddress safe = allocate(1);
  ASSERT_EQ(kho().preserve_folio(scratch, 0), 0);
  ASSERT_EQ(kho().preserve_folio(safe, 0), 0);
  kexec();
  EXPECT_TRUE(kho().is_kho_boot());
  EXPECT_TRUE(console_.empty()) << "nobody notices";
  EXPECT_EQ(kho().restore_folio(scratch, PageState::Kernel), 0u);
  EXPECT_EQ(kho().restore_folio(safe, PageState::Kernel), 0u);
}

TEST_F(Kho, AllocatedMemoryIsZeroedAndAPowerOfTwo) {
  const PhysicalAddress dirty = allocate(8, 8);
  std::ranges::fill(pages_->bytes(dirty, 8 * kPageSize), std::byte{0xff});
  pages_->free(dirty, 8);
  PhysicalAddress out;
  ASSERT_EQ(kho().alloc_preserve(5 * kPageSize, out), 0);
  ASSERT_EQ(out, dirty);
  for (const std::byte byte : pages_->bytes(out, 8 * kPageSize)) ASSERT_EQ(byte, std::byte{0});
}

TEST_F(Kho, RestoreFreeGivesTheFolioBackOnce) {
  PhysicalAddress blob;
  ASSERT_EQ(kho().alloc_preserve(5 * kPageSize, blob), 0);
  kexec();
  const std::uint64_t free = pages_->free_pages();
  kho().restore_free(blob);
  EXPECT_EQ(pages_->free_pages(), free + 8);
  EXPECT_TRUE(console_.empty());
  kho().restore_free(blob);
  EXPECT_EQ(console_.size(), 1u) << "the second one warns";
  kho().restore_free(blob + kPageSize);
  EXPECT_EQ(console_.size(), 2u) << "and what was not preserved does";
  EXPECT_EQ(pages_->free_pages(), free + 8);
}

TEST_F(Kho, NullIsAllowedWhereMemoryIsGivenBack) {
  kho().unpreserve_free(PhysicalAddress{0}, kPageSize);
  kho().restore_free(PhysicalAddress{0});
  EXPECT_TRUE(console_.empty());
}

TEST_F(Kho, UndoOfAFolioNeedsItsOrder) {
  const PhysicalAddress pair = allocate(2, 2);
  ASSERT_EQ(kho().preserve_folio(pair, 1), 0);
  kho().unpreserve_folio(pair, 0);
  EXPECT_EQ(console_.size(), 1u);
  EXPECT_TRUE(kho().is_preserved(pair, 1));
}

TEST_F(Kho, ChangesTakeEffectWithoutAFinalizeStep) {
  const PhysicalAddress page = allocate(1);
  ASSERT_EQ(kho().preserve_folio(page, 0), 0);
  EXPECT_TRUE(decode_preserved_pages(memory_.dram(), kho().fdt()).value()[page.raw() / kPage]);
  kho().unpreserve_folio(page, 0);
  EXPECT_FALSE(decode_preserved_pages(memory_.dram(), kho().fdt()).value()[page.raw() / kPage]);
}

TEST_F(Kho, SubtreeWithMalformedPropertiesIsEinval) {
  PhysicalAddress blob;
  ASSERT_EQ(kho().alloc_preserve(8_B, blob), 0);
  ASSERT_EQ(kho().add_subtree("far", PhysicalAddress{memory_.dram().size()}, 8_B), 0);
  kexec();
  PhysicalAddress found;
  Bytes size;
  EXPECT_EQ(kho().retrieve_subtree("far", found, size), EINVAL);
}

TEST_F(Kho, WithoutAKhoBootEverySubtreeIsEnoent) {
  PhysicalAddress found;
  Bytes size;
  EXPECT_EQ(kho().retrieve_subtree("LUO", found, size), ENOENT);
}

TEST_F(Kho, OneNodeSplitsRangesAtAlignedPowersOfTwoOnly) {
  EXPECT_EQ(split_into_folios(PhysicalAddress{3 * kPage}, 6),
            (std::vector<PreservedFolio>{
                {PhysicalAddress{3 * kPage}, 0}, {PhysicalAddress{4 * kPage}, 2}, {PhysicalAddress{8 * kPage}, 0}}));
  EXPECT_EQ(split_into_folios(PhysicalAddress{2048 * kPage}, 2048).size(), 2u) << "4 MiB is the biggest folio";
}

// Each malformed part of what the old kernel left: the kernel says so, and boots as if nothing had been preserved.
struct Malformed {
  const char* name;
  const char* reason;
  void (*damage)(testing::Memory&, PhysicalAddress page);  // `page` is preserved, and the bytes are what the jump left
};

PhysicalAddress fdt_of(testing::Memory& memory) { return PhysicalAddress{memory.parameters().kho_fdt}; }

// Overwrites `text` in the FDT page.
void overwrite_text(testing::Memory& memory, std::string_view text, char with) {
  const std::span<std::byte> page = memory.dram().subspan(fdt_of(memory).raw(), kPage);
  const auto* const bytes = reinterpret_cast<const char*>(page.data());
  const std::size_t at = std::string_view(bytes, page.size()).find(text);
  ASSERT_NE(at, std::string_view::npos);
  page[at + text.size() - 1] = static_cast<std::byte>(with);
}

std::uint64_t root_of(testing::Memory& memory) { return decode_kho(memory.dram(), fdt_of(memory))->structure[1].raw(); }
std::uint64_t leaf_of(testing::Memory& memory) {
  return decode_kho(memory.dram(), fdt_of(memory))->structure.back().raw();
}

class KhoRejects : public KhoFixture, public ::testing::WithParamInterface<Malformed> {};

TEST_P(KhoRejects, IsANormalBootWithTheReasonOnTheConsole) {
  const std::uint64_t cold = memory_.begin_kernel()->free_pages();
  boot();
  const PhysicalAddress page = allocate(1);
  ASSERT_EQ(kho().preserve_folio(page, 0), 0);
  memory_.jump(kho().fdt());
  GetParam().damage(memory_, page);
  boot();
  EXPECT_FALSE(kho().is_kho_boot());
  ASSERT_EQ(console_.size(), 1u);
  EXPECT_NE(console_[0].find("KHO: revival is disabled"), std::string::npos);
  EXPECT_NE(console_[0].find(GetParam().reason), std::string::npos) << console_[0];
  EXPECT_EQ(pages_->state(page), PageState::Free);
  EXPECT_TRUE(kho().enabled()) << "the next live update is possible all the same";
  EXPECT_GE(pages_->free_pages() + 16, cold) << "all memory but the new tree is free";
}

INSTANTIATE_TEST_SUITE_P(
    Kho, KhoRejects,
    ::testing::Values(
        Malformed{"FdtOutsideDram", "not a page of DRAM",
                  [](testing::Memory& memory, PhysicalAddress) { memory.parameters().kho_fdt = memory.dram().size(); }},
        Malformed{"FdtOffAPage", "not a page of DRAM",
                  [](testing::Memory& memory, PhysicalAddress) { memory.parameters().kho_fdt += 8; }},
        Malformed{
            "Header", "not a valid FDT",
            [](testing::Memory& memory, PhysicalAddress) { memory.dram()[fdt_of(memory).raw()] ^= std::byte{1}; }},
        Malformed{"Compatible", "not compatible with kho-v4",
                  [](testing::Memory& memory, PhysicalAddress) { overwrite_text(memory, "kho-v4", '3'); }},
        Malformed{
            "MemoryMapProperty", "no preserved-memory-map",
            [](testing::Memory& memory, PhysicalAddress) { overwrite_text(memory, "preserved-memory-map", 'x'); }},
        Malformed{"NodeOutsideDram", "outside DRAM",
                  [](testing::Memory& memory, PhysicalAddress) {
                    store(memory.dram(), root_of(memory) + 8, std::uint64_t{memory.dram().size()});
                  }},
        Malformed{"NodeUsedTwice", "used twice",
                  [](testing::Memory& memory, PhysicalAddress) {
                    store(memory.dram(), root_of(memory) + 8, root_of(memory));
                  }},
        Malformed{"FolioOutsideDram", "cannot exist",
                  [](testing::Memory& memory, PhysicalAddress) {
                    store(memory.dram(), leaf_of(memory) + kPage - 8, ~std::uint64_t{0});
                  }},
        Malformed{"PageOfTheRunningKernel", "belongs to the running kernel",
                  [](testing::Memory& memory, PhysicalAddress) {
                    // Page 1 is reserved in every kernel; the leaf with the lowest folios of order 0 begins at page 0.
                    const auto first = load<std::uint64_t>(memory.dram(), leaf_of(memory));
                    store(memory.dram(), leaf_of(memory), first | 2);
                  }}),
    [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace holdover::host::kernel
