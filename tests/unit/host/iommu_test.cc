// SPDX-License-Identifier: MIT
#include "host/kernel/iommu/iommu.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "host/kernel/file.h"
#include "host/kernel/iommu/dma_ownership.h"
#include "host/kernel/iommu/domain.h"
#include "host/kernel/panic.h"
#include "tests/support/fake_platform.h"

namespace holdover::host::kernel {
namespace {

constexpr BusAddress kRegisters{0xfed9'0000};
constexpr std::uint32_t kTranslation = 1u << 31;
constexpr pcie::Bdf kFirst{0, 2, 0, 0};
constexpr pcie::Bdf kSecond{0, 3, 1, 0};

class IommuTest : public ::testing::Test {
 protected:
  testing::FakePlatform platform_;
  PageAllocator pages_{platform_.dram(), PhysicalAddress{4096}};
  Iommu iommu_{platform_, pages_, kRegisters, IommuPart::Series};
  FileTable files_;

  IommuTest() {
    pages_.reserve(PhysicalAddress{0}, 1, PageState::Reserved);
    iommu_.reset();
  }
  FileReference<IommuDomain> domain() {
    return FileReference<IommuDomain>(files_.add(IommuDomain::create(pages_, iommu_)));
  }
  std::uint64_t word(PhysicalAddress table, unsigned index) {
    return second_level::read_entry(platform_.dram(), table, index);
  }
};

TEST_F(IommuTest, ResetLoadsAnEmptyRootTableAndTranslates) {
  EXPECT_TRUE(iommu_.translating());
  EXPECT_EQ(platform_.iommu_root, iommu_.state().root_table.raw());
  EXPECT_EQ(pages_.state(iommu_.state().root_table), PageState::PageTable);
  EXPECT_FALSE(iommu_.attached(kFirst).has_value());
}

TEST_F(IommuTest, MapBuildsFourLevelsInDram) {
  const auto space = domain();
  ASSERT_EQ(space->map(Iova{0x1234'5000}, PhysicalAddress{0x40'0000}, 8_KiB, true), 0);
  EXPECT_EQ(space->translate(Iova{0x1234'6010}), PhysicalAddress{0x40'1010});
  EXPECT_FALSE(space->translate(Iova{0x1234'7000}).has_value());
  const std::vector<PhysicalAddress> tables = space->state().table_pages;
  ASSERT_EQ(tables.size(), 4u);
  EXPECT_EQ(tables.front(), space->root());
  EXPECT_EQ(word(tables[3], 0x145), 0x40'0003u);  // 0x12345 modulo 512, readable and writable
  for (const PhysicalAddress table : tables) EXPECT_EQ(pages_.state(table), PageState::PageTable);
}

TEST_F(IommuTest, AReadOnlyMappingHasNoWriteBit) {
  const auto space = domain();
  ASSERT_EQ(space->map(Iova{0}, PhysicalAddress{0x40'0000}, 4_KiB, false), 0);
  EXPECT_EQ(second_level::leaf_entry(platform_.dram(), space->root(), Iova{0}), 0x40'0001u);
}

TEST_F(IommuTest, MapAnswersWithTheErrnoOfItsReason) {
  const auto space = domain();
  const PhysicalAddress memory{0x40'0000};
  EXPECT_EQ(space->map(Iova{0x1001}, memory, 4_KiB, true), EINVAL);
  EXPECT_EQ(space->map(Iova{0x1000}, memory, 100_B, true), EINVAL);
  EXPECT_EQ(space->map(Iova{std::uint64_t{1} << 48}, memory, 4_KiB, true), EINVAL);
  EXPECT_EQ(space->map(Iova{0x1000}, PhysicalAddress{16u << 20}, 4_KiB, true), EINVAL);
  EXPECT_EQ(space->map(Iova{0x2000}, memory, 4_KiB, true), 0);
  EXPECT_EQ(space->map(Iova{0x1000}, memory, 8_KiB, true), EEXIST);
  EXPECT_FALSE(space->translate(Iova{0x1000}).has_value());
  space->set_preserved(true);
  EXPECT_EQ(space->map(Iova{0x9000}, memory, 4_KiB, true), EBUSY);
  EXPECT_EQ(space->unmap(Iova{0x2000}, 4_KiB), EBUSY);
}

TEST_F(IommuTest, AttachWritesTheContextEntry) {
  const auto space = domain();
  ASSERT_EQ(iommu_.attach(kFirst, *space), 0);
  const PhysicalAddress context{word(iommu_.state().root_table, 2 * kFirst.bus) & ~0xfffull};
  EXPECT_EQ(word(context, 0), space->root().raw() | 1);
  EXPECT_EQ(word(context, 1), 2u | unsigned{space->identifier()} << 8);
  EXPECT_EQ(iommu_.attached(kFirst), space->identifier());
  EXPECT_FALSE(iommu_.attached(kSecond).has_value());
}

TEST_F(IommuTest, AFunctionHasOneDomainAtATime) {
  const auto first = domain();
  const auto second = domain();
  EXPECT_NE(first->identifier(), second->identifier());
  ASSERT_EQ(iommu_.attach(kFirst, *first), 0);
  EXPECT_EQ(iommu_.attach(kFirst, *first), 0);
  EXPECT_EQ(iommu_.attach(kFirst, *second), EBUSY);
  first->set_preserved(true);
  EXPECT_EQ(iommu_.detach(kFirst), EBUSY);
  first->set_preserved(false);
  EXPECT_EQ(iommu_.detach(kFirst), 0);
  EXPECT_EQ(iommu_.attach(kFirst, *second), 0);
}

TEST_F(IommuTest, AClosedDomainGivesBackEveryPageAndItsIdentifier) {
  auto space = domain();
  const std::uint16_t identifier = space->identifier();
  ASSERT_EQ(iommu_.attach(kFirst, *space), 0);  // the context table stays
  space.close();
  EXPECT_FALSE(iommu_.attached(kFirst).has_value());
  const std::uint64_t free = pages_.free_pages();
  auto next = domain();
  EXPECT_EQ(next->identifier(), identifier);
  ASSERT_EQ(next->map(Iova{0x8000}, PhysicalAddress{0x40'0000}, 64_KiB, true), 0);
  next.close();
  EXPECT_EQ(pages_.free_pages(), free);
}

TEST_F(IommuTest, RetainKeepsTranslatingForWhatIsKeptOnly) {
  const auto kept = domain();
  const auto other = domain();
  ASSERT_EQ(iommu_.attach(kFirst, *kept), 0);
  ASSERT_EQ(iommu_.attach(kSecond, *other), 0);
  iommu_.retain([](pcie::Bdf function) { return function == kFirst; });
  EXPECT_TRUE(iommu_.translating());
  EXPECT_TRUE(iommu_.attached(kFirst).has_value());
  EXPECT_FALSE(iommu_.attached(kSecond).has_value());
  iommu_.retain([](pcie::Bdf) { return false; });
  EXPECT_FALSE(iommu_.translating());
}

TEST_F(IommuTest, AdoptGoesOnWithoutTranslationEverBeingOff) {
  const auto space = domain();
  ASSERT_EQ(space->map(Iova{0x5000}, PhysicalAddress{0x40'0000}, 4_KiB, true), 0);
  ASSERT_EQ(iommu_.attach(kFirst, *space), 0);
  IncomingIommu incoming;
  incoming.unit = iommu_.state();
  incoming.domains.push_back(space->state());
  incoming.attachments.emplace_back(kFirst, space->identifier());

  Iommu next{platform_, pages_, kRegisters, IommuPart::Series};
  next.adopt(incoming);
  EXPECT_EQ(platform_.translation_fell, 0u);
  EXPECT_EQ(next.attached(kFirst), space->identifier());
  EXPECT_TRUE(next.maps(Iova{0x5000}, 4_KiB));
  EXPECT_FALSE(next.maps(Iova{0x6000}, 4_KiB));

  FileTable files;
  const FileReference<IommuDomain> fresh(files.add(IommuDomain::create(pages_, next)));
  EXPECT_NE(fresh->identifier(), space->identifier());
  files.abandon();
}

TEST_F(IommuTest, AdoptRefusesAnotherRootTable) {
  IncomingIommu incoming;
  incoming.unit = iommu_.state();
  platform_.iommu_root = 0x7000;
  Iommu next{platform_, pages_, kRegisters, IommuPart::Series};
  EXPECT_THROW(next.adopt(incoming), Panic);
}

TEST_F(IommuTest, ATableEntryThatLeavesDramIsNotFollowed) {
  const auto space = domain();
  second_level::write_entry(platform_.dram(), space->root(), 0, 0xffff'ffff'ffff'f003);
  EXPECT_FALSE(space->translate(Iova{0x1000}).has_value());
  EXPECT_EQ(space->state().table_pages.size(), 1u);
  second_level::write_entry(platform_.dram(), space->root(), 0, 0);
}

// As a crash kernel: new root and context tables, the page tables where they are.
TEST_F(IommuTest, ACopyGoesOnWithTheTablesThatStandInDram) {
  const auto space = domain();
  ASSERT_EQ(space->map(Iova{0x5000}, PhysicalAddress{0x40'0000}, 4_KiB, true), 0);
  ASSERT_EQ(iommu_.attach(kFirst, *space), 0);
  Iommu next{platform_, pages_, kRegisters, IommuPart::Series};
  next.copy();
  EXPECT_EQ(platform_.translation_fell, 0u);
  EXPECT_NE(next.state().root_table, iommu_.state().root_table);
  EXPECT_EQ(platform_.iommu_root, next.state().root_table.raw());
  EXPECT_EQ(next.attached(kFirst), space->identifier());
  EXPECT_TRUE(next.maps(Iova{0x5000}, 4_KiB));
  FileTable files;
  const FileReference<IommuDomain> fresh(files.add(IommuDomain::create(pages_, next)));
  EXPECT_NE(fresh->identifier(), space->identifier());
  files.abandon();
}

TEST_F(IommuTest, ATokenMarksOneDomain) {
  auto first = domain();
  const auto second = domain();
  EXPECT_FALSE(first->state().marked);
  EXPECT_EQ(first->mark(10), 0);
  EXPECT_EQ(first->mark(10), 0);
  EXPECT_EQ(first->mark(11), EBUSY) << "there is no unmark";
  EXPECT_EQ(second->mark(10), EADDRINUSE);
  EXPECT_TRUE(first->state().marked);
  first.close();
  EXPECT_EQ(second->mark(10), 0);
}

TEST_F(IommuTest, WithoutTheIommusPartThereIsNoMark) {
  Iommu other{platform_, pages_, kRegisters, IommuPart::None};
  const FileReference<IommuDomain> space(files_.add(IommuDomain::create(pages_, other)));
  EXPECT_EQ(space->mark(10), ENOTTY);
  EXPECT_FALSE(space->state().marked);
  files_.abandon();
}

class OwnershipTest : public IommuTest {
 protected:
  Policies policies_;
  DmaOwnership dma_{iommu_, pages_, policies_, files_};
  FileReference<IommuDomain> space_ = domain();
  std::uint64_t context(pcie::Bdf function, unsigned index) {
    const PhysicalAddress table{word(iommu_.state().root_table, 2 * function.bus) & ~0xfffull};
    return word(table, 2 * (function.requester_id() & 0xff) + index);
  }
};

TEST_F(OwnershipTest, ProbeAttachesTheDefaultDomainThatThePolicyNames) {
  dma_.probe(kFirst, false);
  EXPECT_FALSE(iommu_.attached(kFirst)) << "none";
  policies_.default_domain = DefaultDomain::Identity;
  dma_.probe(kFirst, false);
  EXPECT_EQ(context(kFirst, 0), 9u) << "present, pass-through";
  policies_.default_domain = DefaultDomain::Dma;
  dma_.probe(kFirst, false);
  ASSERT_TRUE(iommu_.attached(kFirst));
  EXPECT_FALSE(iommu_.maps(Iova{0}, 4_KiB)) << "empty";
  policies_.default_domain = DefaultDomain::Blocked;
  dma_.probe(kFirst, false);
  EXPECT_FALSE(iommu_.attached(kFirst));
}

TEST_F(OwnershipTest, AClaimBlocksUntilSomethingIsAttachedAndAReleaseGivesTheDefaultBack) {
  policies_.default_domain = DefaultDomain::Dma;
  dma_.probe(kFirst, false);
  const auto own = iommu_.attached(kFirst);
  EXPECT_EQ(iommu_.attach(kFirst, *space_), EBUSY) << "not claimed";
  ASSERT_EQ(dma_.claim(kFirst, false), 0);
  EXPECT_FALSE(iommu_.attached(kFirst));
  EXPECT_EQ(dma_.claim(kFirst, false), EBUSY);
  EXPECT_EQ(dma_.use_dma_api(kFirst), EBUSY);
  ASSERT_EQ(iommu_.attach(kFirst, *space_), 0);
  ASSERT_EQ(iommu_.detach(kFirst), 0);
  dma_.release(kFirst);
  EXPECT_EQ(iommu_.attached(kFirst), own);
  EXPECT_EQ(dma_.use_dma_api(kFirst), 0);
  EXPECT_EQ(dma_.claim(kFirst, false), EBUSY);
  dma_.unuse_dma_api(kFirst);
  EXPECT_EQ(dma_.claim(kFirst, false), 0);
}

TEST_F(OwnershipTest, ARestoredDomainIsNobodysUntilItIsRetrieved) {
  policies_.default_domain = DefaultDomain::Dma;
  ASSERT_EQ(iommu_.attach(kFirst, *space_), 0);
  dma_.probe(kFirst, true);
  EXPECT_EQ(iommu_.attached(kFirst), space_->identifier());
  EXPECT_EQ(dma_.claim(kFirst, false), EBUSY);
  EXPECT_EQ(dma_.use_dma_api(kFirst), EBUSY);
  EXPECT_EQ(dma_.claim(kFirst, true), 0);
  EXPECT_EQ(iommu_.attached(kFirst), space_->identifier()) << "never parked";
}

TEST_F(OwnershipTest, HazardsOfARestoredDomain) {
  ASSERT_EQ(iommu_.attach(kFirst, *space_), 0);
  dma_.probe(kFirst, true);
  policies_.dma_claim = DmaClaim::Block;
  ASSERT_EQ(dma_.claim(kFirst, true), 0);
  EXPECT_FALSE(iommu_.attached(kFirst)) << "H086";
  ASSERT_EQ(iommu_.attach(kSecond, *space_), 0);
  policies_.default_domain = DefaultDomain::Dma;
  policies_.mistakes.default_domain_replaces = true;
  dma_.probe(kSecond, true);
  EXPECT_NE(iommu_.attached(kSecond), space_->identifier()) << "H085";
}

TEST_F(IommuTest, ResetSwitchesOffWhatItFindsOn) {
  Iommu next{platform_, pages_, kRegisters, IommuPart::Series};
  next.reset();
  EXPECT_EQ(platform_.translation_fell, 1u);
  EXPECT_EQ(platform_.iommu_status & kTranslation, kTranslation);
}

}  // namespace
}  // namespace holdover::host::kernel
