// SPDX-License-Identifier: MIT
// Claims about LUO: order of checks, what undoes what, and what survives the kexec.
#include "host/kernel/luo/luo.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "host/kernel/errno.h"
#include "host/kernel/kho/dram_value.h"
#include "host/kernel/luo/abi.h"
#include "host/kernel/panic.h"
#include "tests/unit/host/luo_fixture.h"

namespace holdover::host::kernel {
namespace {

TEST_F(LuoTest, DeviceNodeIsExclusive) {
  EXPECT_EQ(luo_->open(), 0);
  EXPECT_EQ(luo_->open(), EBUSY);
  luo_->close();
  EXPECT_EQ(luo_->open(), 0);
}

TEST_F(LuoTest, WithoutKhoThereIsNoDeviceNode) {
  Kho off(*pages_, memory_.parameters(), false, nullptr);
  Luo luo(off, nullptr);
  FakeHandler handler(log_);
  EXPECT_EQ(luo.open(), ENOENT);
  EXPECT_EQ(luo.register_handler(handler), EOPNOTSUPP);
  EXPECT_EQ(luo.freeze(), 0) << "a plain kexec goes on";
}

TEST_F(LuoTest, HandlersHaveUniqueShortNames) {
  FakeHandler twin(log_);
  FakeHandler longest(log_, std::string(47, 'x'));
  FakeHandler too_long(log_, std::string(48, 'x'));
  FakeHandler unnamed(log_, "");
  EXPECT_EQ(luo_->register_handler(twin), EEXIST);
  EXPECT_EQ(luo_->register_handler(longest), 0);
  EXPECT_EQ(luo_->register_handler(too_long), EINVAL);
  EXPECT_EQ(luo_->register_handler(unnamed), EINVAL);
}

TEST_F(LuoTest, SessionNamesAreChecked) {
  LuoSession* session = nullptr;
  EXPECT_EQ(luo_->create_session("", session), EINVAL);
  EXPECT_EQ(luo_->create_session(std::string(64, 'n'), session), EINVAL);
  EXPECT_EQ(luo_->create_session(std::string(63, 'n'), session), 0);
  EXPECT_EQ(luo_->create_session(std::string(63, 'n'), session), EEXIST);
}

TEST_F(LuoTest, PreserveChecksInOrder) {
  LuoSession& s = session();
  OtherFile foreign;  // never held
  ASSERT_EQ(s.preserve(&a_, 1), 0);
  EXPECT_EQ(s.preserve(nullptr, 1), EEXIST) << "the token before the file";
  EXPECT_EQ(s.preserve(nullptr, 2), EBADF);
  EXPECT_EQ(s.preserve(&foreign, 2), ENOENT);
  EXPECT_EQ(s.preserve(&a_, 2), EBUSY);
  EXPECT_EQ(session("other").preserve(&a_, 1), EBUSY) << "preserved anywhere";
  handler_.preserve_error = EPERM;
  EXPECT_EQ(s.preserve(&b_, 2), EPERM);
  EXPECT_FALSE(b_.held());
  EXPECT_EQ(s.file_count(), 1u);
  KernelFile* file = nullptr;
  EXPECT_EQ(s.retrieve(1, file), EINVAL) << "outgoing";
  EXPECT_EQ(s.finish(), EINVAL) << "outgoing";
}

TEST_F(LuoTest, FilesAreHeldWhilePreserved) {
  LuoSession& s = session();
  ASSERT_EQ(s.preserve(&a_, 1), 0);
  EXPECT_TRUE(a_.held());
  s.close();
  EXPECT_FALSE(a_.held());
}

TEST_F(LuoTest, ClosingAnOutgoingSessionUnpreservesInReverse) {
  const std::uint64_t before = pages_->free_pages();
  LuoSession& s = session();
  ASSERT_EQ(s.preserve(&a_, 1), 0);
  ASSERT_EQ(s.preserve(&b_, 2), 0);
  log_.clear();
  s.close();
  EXPECT_EQ(log_, (Log{"unpreserve2", "unpreserve1"}));
  EXPECT_TRUE(luo_->outgoing().empty());
  EXPECT_LE(before - pages_->free_pages(), 1u) << "a node of the tree may stay, blocks may not";
  EXPECT_EQ(session().preserve(&a_, 1), 0) << "name and file are free again";
}

TEST_F(LuoTest, SessionsFilesAndHandlesSurvive) {
  ASSERT_EQ(session("first").preserve(&a_, 7), 0);
  ASSERT_EQ(session("second").preserve(&b_, 7), 0);
  ASSERT_EQ(luo_->freeze(), 0);

  const auto handed = decode_live_update(memory_.dram(), kho_->fdt()).value();
  EXPECT_EQ(handed.number, 1u);
  ASSERT_EQ(handed.sessions.size(), 2u);
  EXPECT_EQ(handed.sessions[1].name, "second");
  EXPECT_EQ(handed.sessions[1].files[0].compatible, "fake-v1");
  EXPECT_EQ(handed.sessions[1].files[0].token, 7u);
  EXPECT_EQ(handed.sessions[1].files[0].handle, 1008u) << "freeze may replace the handle";

  jump();
  boot();
  EXPECT_EQ(luo_->liveupdate_number(), 1u);
  KernelFile* file = nullptr;
  EXPECT_EQ(retrieved("second").retrieve(7, file), 0);
  EXPECT_EQ(handler_.retrieved_handle, 1008u);
  EXPECT_EQ(file, &handler_.file_made);
}

TEST_F(LuoTest, ManySessionsAndFilesCrossBlockBorders) {
  for (unsigned index = 0; index < 60; ++index) session("s" + std::to_string(index));
  LuoSession& full = session("full");
  for (unsigned index = 0; index < 140; ++index) {
    many_.push_back(std::make_unique<FakeFile>());
    ASSERT_EQ(full.preserve(many_.back().get(), index), 0);
  }
  ASSERT_EQ(luo_->freeze(), 0);
  jump();
  boot();
  EXPECT_EQ(retrieved("full").file_count(), 140u);
  EXPECT_EQ(luo_->incoming().size(), 61u);
}

TEST_F(LuoTest, FailedFreezeUnfreezesAndKeepsEverything) {
  LuoSession& first = session("first");
  LuoSession& second = session("second");
  LuoSession& third = session("third");
  ASSERT_EQ(first.preserve(&a_, 1), 0);
  ASSERT_EQ(second.preserve(&b_, 2), 0);
  ASSERT_EQ(third.preserve(&c_, 3), 0);
  ASSERT_EQ(third.preserve(&d_, 4), 0);
  ASSERT_EQ(third.preserve(&e_, 5), 0);
  handler_.failing_freeze = 5;
  log_.clear();

  EXPECT_EQ(luo_->freeze(), EIO);

  EXPECT_EQ(log_, (Log{"freeze1", "freeze2", "freeze3", "freeze4", "freeze5",  //
                       "unfreeze3", "unfreeze4", "unfreeze2", "unfreeze1"}));
  EXPECT_FALSE(luo_->frozen());
  handler_.failing_freeze.reset();
  EXPECT_EQ(luo_->freeze(), 0) << "user space may try again";
  const auto handed = decode_live_update(memory_.dram(), kho_->fdt()).value();
  EXPECT_EQ(handed.sessions[2].files[2].token, 5u);
}

TEST_F(LuoTest, AfterFreezeNothingMovesAnyMore) {
  LuoSession& s = session();
  ASSERT_EQ(s.preserve(&a_, 1), 0);
  ASSERT_EQ(luo_->freeze(), 0);
  log_.clear();
  LuoSession* other = nullptr;
  EXPECT_EQ(s.preserve(&b_, 2), kNeverReturns);
  EXPECT_EQ(luo_->create_session("late", other), kNeverReturns);
  EXPECT_EQ(luo_->freeze(), kNeverReturns);
  s.close();
  EXPECT_TRUE(log_.empty()) << "a close never comes to its end";
  EXPECT_TRUE(a_.held());
}

TEST_F(LuoTest, RetrieveIsStickyBothWays) {
  LuoSession& s = session();
  ASSERT_EQ(s.preserve(&a_, 1), 0);
  ASSERT_EQ(s.preserve(&b_, 2), 0);
  ASSERT_EQ(luo_->freeze(), 0);
  jump();
  boot();
  LuoSession& in = retrieved();
  KernelFile* file = nullptr;
  EXPECT_EQ(in.retrieve(9, file), ENOENT);
  EXPECT_EQ(in.preserve(&c_, 3), EINVAL) << "incoming";
  handler_.retrieve_error = ENODEV;
  EXPECT_EQ(in.retrieve(2, file), ENODEV);
  handler_.retrieve_error = 0;
  EXPECT_EQ(in.retrieve(2, file), ENODEV) << "for ever";
  EXPECT_EQ(in.retrieve(1, file), 0);
  EXPECT_EQ(in.retrieve(1, file), 0);
  EXPECT_EQ(file, &handler_.file_made);
  EXPECT_EQ(log_, (Log{"retrieve2", "retrieve1"}));
}

TEST_F(LuoTest, FinishIsAllOrNothingAndRunsInReverse) {
  LuoSession& s = session();
  ASSERT_EQ(s.preserve(&a_, 1), 0);
  ASSERT_EQ(s.preserve(&b_, 2), 0);
  ASSERT_EQ(luo_->freeze(), 0);
  jump();
  boot();
  LuoSession& in = retrieved();
  KernelFile* file = nullptr;
  ASSERT_EQ(in.retrieve(1, file), 0);
  handler_.unfinished = 1;
  log_.clear();
  EXPECT_EQ(in.finish(), EBUSY);
  EXPECT_TRUE(log_.empty());
  handler_.unfinished.reset();
  EXPECT_EQ(in.finish(), 0);
  EXPECT_EQ(log_, (Log{"finish2", "finish1"}));
  EXPECT_EQ(handler_.finish_status, 1);
  EXPECT_FALSE(handler_.file_made.held());
  EXPECT_EQ(in.finish(), 0) << "nothing is left to be finished";
}

TEST_F(LuoTest, ClosingAnIncomingSessionFinishesItOrHoldsItForEver) {
  ASSERT_EQ(session("good").preserve(&a_, 1), 0);
  ASSERT_EQ(session("bad").preserve(&b_, 2), 0);
  ASSERT_EQ(luo_->freeze(), 0);
  jump();
  boot();
  LuoSession& good = retrieved("good");
  LuoSession* session = nullptr;
  EXPECT_EQ(luo_->retrieve_session("good", session), EINVAL) << "retrieved already";
  EXPECT_EQ(luo_->retrieve_session("none", session), ENOENT);
  good.close();
  EXPECT_EQ(log_, (Log{"finish1"}));
  EXPECT_EQ(luo_->retrieve_session("good", session), ENOENT) << "gone";

  handler_.unfinished = 2;
  ASSERT_EQ(luo_->retrieve_session("bad", session), 0);
  session->close();
  EXPECT_EQ(log_, (Log{"finish1"}));
  EXPECT_EQ(luo_->retrieve_session("bad", session), EINVAL) << "marked as retrieved until the next boot";
}

TEST_F(LuoTest, MissingHandlerAtTheFirstOpenIsFatalUntilTheNextBoot) {
  ASSERT_EQ(session().preserve(&a_, 1), 0);
  ASSERT_EQ(luo_->freeze(), 0);
  jump();
  boot(false);
  EXPECT_EQ(luo_->open(), EIO);
  ASSERT_EQ(luo_->register_handler(handler_), 0);
  EXPECT_EQ(luo_->open(), EIO) << "too late";
}

TEST_F(LuoTest, CountThatDoesNotMatchTheBlocksIsEio) {
  ASSERT_EQ(session().preserve(&a_, 1), 0);
  ASSERT_EQ(luo_->freeze(), 0);
  jump();
  const auto luo = decode_kho(memory_.dram(), PhysicalAddress{memory_.parameters().kho_fdt})->subtrees[0];
  const auto header = load<luo_abi::LuoSer>(memory_.dram(), luo.data.raw());
  const auto chain = decode_blocks(memory_.dram(), PhysicalAddress{header.sessions}, sizeof(luo_abi::SessionSer));
  auto entry = load<luo_abi::SessionSer>(memory_.dram(), chain->entries[0]);
  entry.count = 2;
  store(memory_.dram(), chain->entries[0], entry);
  boot();
  EXPECT_EQ(luo_->open(), EIO);
}

TEST_F(LuoTest, AnotherVersionPanics) {
  jump();
  const auto luo = decode_kho(memory_.dram(), PhysicalAddress{memory_.parameters().kho_fdt})->subtrees[0];
  memory_.dram()[luo.data.raw() + 5] = std::byte{'4'};
  EXPECT_THROW(boot(), Panic);
}

TEST_F(LuoTest, EveryLiveUpdateCounts) {
  for (std::uint64_t number = 1; number <= 3; ++number) {
    ASSERT_EQ(luo_->freeze(), 0);
    jump();
    boot();
    EXPECT_EQ(luo_->liveupdate_number(), number);
  }
}

TEST_F(LuoTest, LayoutHasItsNumbers) {
  EXPECT_EQ(sizeof(luo_abi::SessionSer), 80u);
  EXPECT_EQ(sizeof(luo_abi::FileSer), 64u);
  EXPECT_EQ(sizeof(luo_abi::FlbSer), 64u);
}

// Damage to what LUO handed over ends in EIO or a panic, never in a crash or an endless loop.
TEST_F(LuoTest, DamagedHandoverNeverCrashes) {
  LuoSession& s = session();
  ASSERT_EQ(s.preserve(&a_, 1), 0);
  ASSERT_EQ(s.preserve(&b_, 2), 0);
  ASSERT_EQ(luo_->freeze(), 0);
  jump();
  const PhysicalAddress fdt{memory_.parameters().kho_fdt};
  const auto tree = decode_kho(memory_.dram(), fdt).value();
  const std::vector<std::byte> intact(memory_.dram().begin(), memory_.dram().end());
  testing::Sequence random(2);
  unsigned noticed = 0;
  for (unsigned round = 0; round < 300; ++round) {
    std::copy(intact.begin(), intact.end(), memory_.dram().begin());
    const PhysicalAddress page = tree.folios[random.below(tree.folios.size())].address;
    if (page != fdt) {
      const std::uint64_t value = random.below(2) == 0 ? random.next() : random.below(4096) * testing::kPage;
      store(memory_.dram(), page.raw() + random.below(24) * 8, value);
    }
    static_cast<void>(decode_live_update(memory_.dram(), fdt));
    try {
      boot();
      noticed += luo_->open() == 0 ? 0 : 1;
    } catch (const Panic&) {
      ++noticed;
    }
  }
  EXPECT_GT(noticed, 30u);
}

}  // namespace
}  // namespace holdover::host::kernel
