// SPDX-License-Identifier: MIT
#include "sim/iommu.h"

#include <gtest/gtest.h>

#include "tests/unit/sim/iommu_fixture.h"

namespace holdover::sim {
namespace {

using Outcome = Translation::Outcome;

TEST_F(IommuTest, OffMeansBypass) {
  const Translation result = look(0x10'123);

  EXPECT_EQ(result.outcome, Outcome::Bypassed);
  EXPECT_EQ(result.address, PhysicalAddress{0x10'123});
}

TEST_F(IommuTest, WalksSixReadsOnceAndThenAnswersFromItsCaches) {
  enable();

  const Translation first = look(0x10'123);
  const Translation second = look(0x10'ff8, true);
  const Translation neighbour = look(0x11'000);

  EXPECT_EQ(first.outcome, Outcome::Translated);
  EXPECT_EQ(first.address, PhysicalAddress{0x40'123});
  EXPECT_EQ(first.reads, Iommu::kMostReads);
  EXPECT_EQ(second.address, PhysicalAddress{0x40'ff8});
  EXPECT_EQ(second.reads, 0u);
  EXPECT_EQ(neighbour.reads, 4u);
  EXPECT_TRUE(faults_.empty());
}

TEST_F(IommuTest, RegistersSayWhatTheUnitCanDo) {
  const std::uint64_t capability = iommu_.read_register(0x08, 8);
  const std::uint64_t extended = iommu_.read_register(0x10, 8);

  EXPECT_EQ(iommu_.read_register(0x00, 4), 0x10u);
  EXPECT_EQ((capability >> 24) & 0x3ff, 0x22u);  // FRO
  EXPECT_EQ((capability >> 40) & 0xff, 7u);      // NFR
  EXPECT_EQ((capability >> 8) & 0x1f, 4u);       // SAGAW: four levels
  EXPECT_EQ((capability >> 16) & 0x3f, 47u);     // MGAW
  EXPECT_EQ((extended >> 8) & 0x3ff, 0x10u);     // IRO
  EXPECT_EQ((extended >> 1) & 1, 0u);            // no queued invalidation
  EXPECT_EQ(iommu_.read_register(0x0c, 4), capability >> 32);
}

TEST_F(IommuTest, TheRootPointerTakesEffectWhenItIsSetAndNotWhenItIsWritten) {
  enable();
  EXPECT_NE(iommu_.read_register(0x1c, 4) & (1u << 30), 0u);
  iommu_.write_register(0x20, 8, kOtherRoot.raw());

  EXPECT_EQ(look(0x10'000).outcome, Outcome::Translated);
  command(1u << 30);
  invalidate_contexts(std::uint64_t{1} << 61);

  EXPECT_EQ(look(0x10'000).fault, IommuFault::RootNotPresent);
}

TEST_F(IommuTest, SixtyFourBitRegistersTakeTwoHalves) {
  iommu_.write_register(0x24, 4, 1);
  iommu_.write_register(0x20, 4, 0x1000);

  EXPECT_EQ(iommu_.read_register(0x20, 8), 0x1'0000'1000u);
}

TEST_F(IommuTest, AStaleTranslationStaysUntilItIsInvalidated) {
  const std::vector<std::uint64_t> commands = {std::uint64_t{1} << 60,                                // global
                                               (std::uint64_t{2} << 60) | (std::uint64_t{5} << 32),   // domain
                                               (std::uint64_t{3} << 60) | (std::uint64_t{5} << 32)};  // page
  enable();
  for (std::uint64_t i = 0; i < commands.size(); ++i) {
    const std::uint64_t before = look(0x10'000).address.raw();
    map(0x10, 0x60 + i, kReadWrite);
    EXPECT_EQ(look(0x10'000).address.raw(), before) << "command " << i;

    invalidate_pages(commands[i], 0x10'000);

    EXPECT_EQ(look(0x10'000).address, PhysicalAddress{(0x60 + i) << 12}) << "command " << i;
    EXPECT_EQ(iommu_.read_register(0x108, 8) >> 63, 0u);
    EXPECT_EQ((iommu_.read_register(0x108, 8) >> 57) & 3, i + 1);
  }
}

TEST_F(IommuTest, InvalidationOfAnotherDomainOrPageChangesNothing) {
  enable();
  static_cast<void>(look(0x10'000));
  map(0x10, 0x60, kReadWrite);

  invalidate_pages((std::uint64_t{2} << 60) | (std::uint64_t{6} << 32));
  invalidate_pages((std::uint64_t{3} << 60) | (std::uint64_t{5} << 32), 0x11'000);
  invalidate_pages((std::uint64_t{3} << 60) | (std::uint64_t{5} << 32), 0x10'000 | 10);  // above MAMV: refused

  EXPECT_EQ(look(0x10'000).address, PhysicalAddress{0x40'000});
  EXPECT_EQ((iommu_.read_register(0x108, 8) >> 57) & 3, 0u);
}

TEST_F(IommuTest, APageMaskCoversItsPowerOfTwo) {
  enable();
  for (std::uint64_t page = 0x10; page < 0x18; ++page) {
    static_cast<void>(look(page << 12));
    map(page, page + 0x50, kReadWrite);
  }

  invalidate_pages((std::uint64_t{3} << 60) | (std::uint64_t{5} << 32), 0x14'000 | 1);

  EXPECT_EQ(look(0x13'000).address, PhysicalAddress{0x43'000});
  EXPECT_EQ(look(0x14'000).address, PhysicalAddress{0x64'000});
  EXPECT_EQ(look(0x15'000).address, PhysicalAddress{0x65'000});
  EXPECT_EQ(look(0x16'000).address, PhysicalAddress{0x46'000});
}

TEST_F(IommuTest, AStaleContextStaysUntilItIsInvalidated) {
  enable();
  static_cast<void>(look(0x10'000));
  put(kContextEntry, 0);

  EXPECT_EQ(look(0x11'000).outcome, Outcome::Translated);
  invalidate_contexts((std::uint64_t{2} << 61) | 6);  // another domain
  EXPECT_EQ(look(0x12'000).outcome, Outcome::Translated);
  invalidate_contexts((std::uint64_t{3} << 61) | (std::uint64_t{kFunction} << 16) | 5);

  EXPECT_EQ(look(0x10'000).fault, IommuFault::ContextNotPresent);
  EXPECT_EQ((iommu_.read_register(0x28, 8) >> 59) & 3, 3u);
}

TEST_F(IommuTest, WhatWasNotPresentIsNotCached) {
  enable();
  map(0x10, 0, 0);
  EXPECT_EQ(look(0x10'000).fault, IommuFault::ReadNotPermitted);

  map(0x10, 0x40, kReadWrite);

  EXPECT_EQ(look(0x10'000).outcome, Outcome::Translated);
}

TEST_F(IommuTest, PermissionsAreThoseOfEveryLevel) {
  enable();
  map(0x10, 0x40, 1);
  map(0x11, 0x41, 2);

  EXPECT_EQ(look(0x10'000, true).fault, IommuFault::WriteNotPermitted);
  EXPECT_EQ(look(0x11'000, false).fault, IommuFault::ReadNotPermitted);
  put(kLevel2, kLevel1.raw() | 1);
  EXPECT_EQ(look(0x12'000, true).fault, IommuFault::WriteNotPermitted);
  EXPECT_EQ(look(0x13'000, false).outcome, Outcome::Translated);
}

TEST_F(IommuTest, BrokenStructuresFaultWithTheirReason) {
  struct Case {
    PhysicalAddress where;
    std::uint64_t word;
    IommuFault fault;
  };
  const std::vector<Case> cases = {
      {kRoot + Bytes{16}, 0, IommuFault::RootNotPresent},
      {kRoot + Bytes{16}, kContexts.raw() | 5, IommuFault::RootReservedBits},
      {kRoot + Bytes{24}, 1, IommuFault::RootReservedBits},
      {kRoot + Bytes{16}, 0x4000'0001, IommuFault::ContextTableOutsideMemory},
      {kContextEntry, 0, IommuFault::ContextNotPresent},
      {kContextEntry, kLevel4.raw() | 0x11, IommuFault::ContextReservedBits},
      {kContextEntry + Bytes{8}, (5u << 8) | 0x82, IommuFault::ContextReservedBits},
      {kContextEntry + Bytes{8}, (5u << 8) | 1, IommuFault::ContextInvalid},  // three levels
      {kContextEntry, kLevel4.raw() | 0x5, IommuFault::ContextInvalid},       // device TLB
      {kContextEntry, 0x4000'0001, IommuFault::TableOutsideMemory},
      {kLevel4, 0x4000'0003, IommuFault::TableOutsideMemory},
      {kLevel2, kLevel1.raw() | 0x83, IommuFault::TableReservedBits},  // a 2 MiB page
      {kLevel1 + Bytes{0x10 * 8}, 0x40'803, IommuFault::TableReservedBits},
      {kLevel1 + Bytes{0x10 * 8}, (std::uint64_t{1} << 50) | 3, IommuFault::TableReservedBits},
  };
  enable();
  for (std::size_t i = 0; i < cases.size(); ++i) {
    std::uint64_t before = 0;
    ASSERT_TRUE(memory_.read_word(cases[i].where, before));
    put(cases[i].where, cases[i].word);
    invalidate_contexts(std::uint64_t{1} << 61);
    invalidate_pages(std::uint64_t{1} << 60);

    EXPECT_EQ(look(0x10'000).fault, cases[i].fault) << "case " << i;
    EXPECT_EQ(iommu_.translate_quietly(kFunction, Iova{0x10'000}, false).fault, cases[i].fault) << "case " << i;
    put(cases[i].where, before);
  }
  EXPECT_EQ(faults_.size(), cases.size());
}

TEST_F(IommuTest, ARootTableOutsideMemoryFaults) {
  iommu_.write_register(0x20, 8, 0x4000'0000);
  command(1u << 30);
  command(1u << 31);

  EXPECT_EQ(look(0x10'000).fault, IommuFault::RootTableOutsideMemory);
}

TEST_F(IommuTest, EveryPoisonedStructureFaults) {
  enable();
  for (const PhysicalAddress table : {kLevel1, kLevel2, kLevel3, kLevel4, kContexts, kRoot}) {
    memory_.poison(table.raw() >> 12);
    invalidate_contexts(std::uint64_t{1} << 61);
    invalidate_pages(std::uint64_t{1} << 60);

    EXPECT_EQ(look(0x10'000).outcome, Outcome::Faulted) << std::hex << table.raw();
  }
}

TEST_F(IommuTest, AddressesBeyondFortyEightBitsFault) {
  enable();

  EXPECT_EQ(look(std::uint64_t{1} << 48).fault, IommuFault::AddressBeyondWidth);
}

TEST_F(IommuTest, PassThroughIsBypassPerFunction) {
  enable();
  put(kContextEntry, kLevel4.raw() | (2u << 2) | 1);

  const Translation result = look(0x10'123);

  EXPECT_EQ(result.outcome, Outcome::Bypassed);
  EXPECT_EQ(result.address, PhysicalAddress{0x10'123});
}

TEST_F(IommuTest, RecordsAFaultUntilItIsCleared) {
  enable();
  static_cast<void>(look(0x90'123, true));

  EXPECT_EQ(iommu_.read_register(0x34, 4) & 3, 2u);
  EXPECT_EQ(iommu_.read_register(0x220, 8), 0x90'000u);
  const std::uint64_t high = iommu_.read_register(0x228, 8);
  EXPECT_EQ(high >> 63, 1u);
  EXPECT_EQ((high >> 62) & 1, 0u);  // a write
  EXPECT_EQ((high >> 32) & 0xff, static_cast<std::uint64_t>(IommuFault::WriteNotPermitted));
  EXPECT_EQ(high & 0xffff, kFunction);
  iommu_.write_register(0x22c, 4, 0x8000'0000);

  EXPECT_EQ(iommu_.read_register(0x34, 4) & 3, 0u);
  EXPECT_EQ(faults_.size(), 1u);
  EXPECT_TRUE(faults_[0].write);
  EXPECT_EQ(faults_[0].iova, Iova{0x90'123});
}

TEST_F(IommuTest, OverflowIsSaidAndStopsRecordingButNotReporting) {
  enable();
  for (std::uint64_t i = 0; i < 10; ++i) static_cast<void>(look((0x90 + i) << 12));

  EXPECT_EQ(iommu_.read_register(0x34, 4) & 3, 3u);
  EXPECT_EQ(iommu_.read_register(0x220 + 7 * 16, 8), 0x97'000u);
  EXPECT_EQ(faults_.size(), 10u);
  iommu_.write_register(0x22c, 4, 0x8000'0000);
  iommu_.write_register(0x34, 4, 1);
  EXPECT_EQ(iommu_.read_register(0x34, 4), 2u | (1u << 8));  // the oldest is record 1 now
  static_cast<void>(look(0xa0'000));

  EXPECT_EQ(iommu_.read_register(0x220, 8), 0xa0'000u);
}

TEST_F(IommuTest, AFaultOfAFunctionWithFaultsDisabledIsNotRecorded) {
  put(kContextEntry, kLevel4.raw() | 3);
  enable();
  static_cast<void>(look(0x90'000));

  EXPECT_EQ(iommu_.read_register(0x34, 4), 0u);
  EXPECT_EQ(faults_.size(), 1u);
}

TEST_F(IommuTest, TheQuietTranslationSeesDramAndLeavesNoTrace) {
  enable();
  static_cast<void>(look(0x10'000));
  map(0x10, 0x60, kReadWrite);

  EXPECT_EQ(iommu_.translate_quietly(kFunction, Iova{0x10'004}, true).address, PhysicalAddress{0x60'004});
  EXPECT_EQ(iommu_.translate_quietly(kFunction, Iova{0x90'000}, true).outcome, Outcome::Faulted);
  EXPECT_EQ(look(0x10'000).address, PhysicalAddress{0x40'000});
  EXPECT_EQ(look(0x11'000).reads, 4u);
  EXPECT_TRUE(faults_.empty());
  EXPECT_EQ(iommu_.read_register(0x34, 4), 0u);
}

TEST_F(IommuTest, MorePagesThanTheCacheHoldsAreStillRightAndReplacedAlikeInTwoUnits) {
  Iommu other{memory_, nullptr};
  enable();
  other.write_register(0x20, 8, kRoot.raw());
  other.write_register(0x18, 4, 1u << 30);
  other.write_register(0x18, 4, 1u << 31);
  // All pages of one leaf table, six times over the ways of each set.
  for (std::uint64_t page = 0; page < 512; ++page) map(page, (page * 7) % 256, kReadWrite);
  for (std::uint64_t index = 1; index < 6; ++index) put(kLevel2 + Bytes{index * 8}, kLevel1.raw() | kReadWrite);
  unsigned hits = 0;
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    const std::uint64_t page = (i * i * 31 + i) % 3072;
    const Translation mine = look(page << 12);
    const Translation same = other.translate(Time{1}, kFunction, Iova{page << 12}, false);
    ASSERT_EQ(mine.address, PhysicalAddress{(((page % 512) * 7) % 256) << 12});
    ASSERT_EQ(mine.reads, same.reads);
    if (mine.reads == 0) ++hits;
  }
  EXPECT_GT(hits, 0u);
  EXPECT_LT(hits, 20'000u);
}

}  // namespace
}  // namespace holdover::sim
