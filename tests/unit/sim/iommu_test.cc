// SPDX-License-Identifier: MIT
#include "sim/iommu.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace holdover::sim {
namespace {

using Outcome = Translation::Outcome;

constexpr pcie::RequesterId kFunction = 0x0100;  // 01:00.0
constexpr std::uint64_t kReadWrite = 3;
constexpr PhysicalAddress kRoot{0x1000};
constexpr PhysicalAddress kContexts{0x2000};
constexpr PhysicalAddress kLevel4{0x3000};
constexpr PhysicalAddress kLevel3{0x4000};
constexpr PhysicalAddress kLevel2{0x5000};
constexpr PhysicalAddress kLevel1{0x6000};
constexpr PhysicalAddress kOtherRoot{0x7000};
constexpr PhysicalAddress kRemapTable{0x8000};
constexpr PhysicalAddress kContextEntry = kContexts;  // of devfn 0

// A unit over tables that map page 0x10 + n to page 0x40 + n for eight pages of function 01:00.0, domain 5.
class IommuTest : public ::testing::Test {
 protected:
  struct Fault {
    Iova iova;
    bool write;
    std::string reason;
  };

  IommuTest()
      : iommu_(memory_, [this](Time, pcie::RequesterId, Iova iova, bool write, std::string_view reason) {
          faults_.push_back(Fault{iova, write, std::string{reason}});
        }) {
    put(kRoot + Bytes{16}, kContexts.raw() | 1);  // bus 1
    put(kContextEntry, kLevel4.raw() | 1);
    put(kContextEntry + Bytes{8}, (5u << 8) | 2);
    put(kLevel4, kLevel3.raw() | kReadWrite);
    put(kLevel3, kLevel2.raw() | kReadWrite);
    put(kLevel2, kLevel1.raw() | kReadWrite);
    for (std::uint64_t page = 0; page < 8; ++page) map(0x10 + page, 0x40 + page, kReadWrite);
  }

  void put(PhysicalAddress where, std::uint64_t word) {
    std::byte bytes[8];
    for (unsigned i = 0; i < 8; ++i) bytes[i] = static_cast<std::byte>(word >> (8 * i));
    ASSERT_TRUE(memory_.write(where, bytes));
  }
  void map(std::uint64_t iova_page, std::uint64_t page, std::uint64_t permission) {
    put(kLevel1 + Bytes{iova_page * 8}, (page << 12) | permission);
  }
  void command(std::uint32_t bit) {
    const auto status = static_cast<std::uint32_t>(iommu_.read_register(0x1c, 4));
    iommu_.write_register(0x18, 4, (status & 0x96ff'ffff) | bit);
  }
  void enable() {
    iommu_.write_register(0x20, 8, kRoot.raw());
    command(1u << 30);
    command(1u << 31);
  }
  [[nodiscard]] Translation look(std::uint64_t iova, bool write = false) {
    return iommu_.translate(Time{1}, kFunction, Iova{iova}, write);
  }
  void invalidate_pages(std::uint64_t command_bits, std::uint64_t address = 0) {
    iommu_.write_register(0x100, 8, address);
    iommu_.write_register(0x108, 8, (std::uint64_t{1} << 63) | command_bits);
  }
  void invalidate_contexts(std::uint64_t command_bits) {
    iommu_.write_register(0x28, 8, (std::uint64_t{1} << 63) | command_bits);
  }

  HostMemory memory_{1_MiB};
  std::vector<Fault> faults_;
  Iommu iommu_;
};

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

// ---- Interrupt remapping

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
