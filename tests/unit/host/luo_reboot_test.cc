// SPDX-License-Identifier: MIT
// Claims about LUO inside reboot(KEXEC): the order of freezing, what a failure undoes, and that success is final.
#include <gtest/gtest.h>

#include <cerrno>

#include "host/kernel/luo/decode.h"
#include "tests/unit/host/luo_user.h"

namespace holdover::host::kernel {
namespace {

class LuoReboot : public LuoUser {
 protected:
  // Three sessions: one file, one file, three files.
  void preserve_five() {
    first_ = create("first");
    const int second = create("second");
    const int third = create("third");
    ASSERT_EQ(preserve(first_, a_, 1), 0);
    ASSERT_EQ(preserve(third, c_, 3), 0);
    ASSERT_EQ(preserve(second, b_, 2), 0);
    ASSERT_EQ(preserve(third, d_, 4), 0);
    ASSERT_EQ(preserve(third, e_, 5), 0);
    log_.clear();
  }
  int first_ = -1;
};

TEST_F(LuoReboot, SessionsFreezeInOrderOfCreationAndFilesInOrderOfPreservation) {
  preserve_five();
  EXPECT_EQ(luo_->freeze(), 0);
  EXPECT_EQ(log_, (Log{"freeze1", "freeze2", "freeze3", "freeze4", "freeze5"}));
}

TEST_F(LuoReboot, EveryFileIsWrittenWithItsHandlerHandleAndToken) {
  preserve_five();
  ASSERT_EQ(luo_->freeze(), 0);
  const auto handed = decode_live_update(memory_.dram(), kho_->fdt()).value();
  ASSERT_EQ(handed.sessions.size(), 3u);
  EXPECT_EQ(handed.sessions[2].name, "third");
  ASSERT_EQ(handed.sessions[2].files.size(), 3u);
  EXPECT_EQ(handed.sessions[2].files[1].compatible, "fake-v1");
  EXPECT_EQ(handed.sessions[2].files[1].handle, 1005u) << "as freeze left it";
  EXPECT_EQ(handed.sessions[2].files[1].token, 4u);
}

TEST_F(LuoReboot, FailedFreezeUnfreezesItsSessionForwardsAndEarlierSessionsInReverse) {
  preserve_five();
  handler_.failing_freeze = 5;
  EXPECT_EQ(luo_->freeze(), EIO);
  EXPECT_EQ(log_, (Log{"freeze1", "freeze2", "freeze3", "freeze4", "freeze5",  //
                       "unfreeze3", "unfreeze4", "unfreeze2", "unfreeze1"}));
}

TEST_F(LuoReboot, FirstFileThatFailsUnfreezesNothingOfItsSession) {
  preserve_five();
  handler_.failing_freeze = 3;
  EXPECT_EQ(luo_->freeze(), EIO);
  EXPECT_EQ(log_, (Log{"freeze1", "freeze2", "freeze3", "unfreeze2", "unfreeze1"}));
}

class PlainFlb : public Flb {
 public:
  std::string_view compatible() const override { return "flb-v1"; }
  int preserve(std::uint64_t&) override { return 0; }
  void unpreserve(std::uint64_t) override {}
  int retrieve(std::uint64_t) override { return 0; }
  void finish(std::uint64_t) override {}
};

TEST_F(LuoReboot, NoPageForTheTableOfFlbsUnfreezesEveryFile) {
  PlainFlb flb;
  ASSERT_EQ(luo_->register_flb(handler_, flb), 0);
  preserve_five();
  exhaust_memory();
  EXPECT_EQ(luo_->freeze(), ENOMEM);
  EXPECT_EQ(log_, (Log{"freeze1", "freeze2", "freeze3", "freeze4", "freeze5",  //
                       "unfreeze3", "unfreeze4", "unfreeze5", "unfreeze2", "unfreeze1"}));
  EXPECT_FALSE(luo_->frozen());
  luo_.reset();  // before the FLB goes
}

TEST_F(LuoReboot, AfterAFailureAllIsPreservedAndUserSpaceMayTryAgain) {
  preserve_five();
  handler_.failing_freeze = 4;
  ASSERT_EQ(luo_->freeze(), EIO);
  EXPECT_FALSE(luo_->frozen());
  EXPECT_TRUE(e_.held());
  OtherFile foreign;
  EXPECT_EQ(preserve(first_, foreign, 9), ENOENT) << "verbs come back";
  handler_.failing_freeze.reset();
  EXPECT_EQ(luo_->freeze(), 0);
  EXPECT_EQ(decode_live_update(memory_.dram(), kho_->fdt())->sessions[2].files.size(), 3u);
}

TEST_F(LuoReboot, AfterSuccessNoVerbOfASessionReturns) {
  const int session = create();
  ASSERT_EQ(preserve(session, a_, 1), 0);
  ASSERT_EQ(luo_->freeze(), 0);
  log_.clear();
  EXPECT_EQ(preserve(session, b_, 2), kNeverReturns);
  luo_uapi::NameArgument name{};
  EXPECT_EQ(call(session, luo_uapi::kGetName, name), kNeverReturns);
  EXPECT_EQ(try_create("late"), kNeverReturns);
  EXPECT_EQ(try_retrieve_session("late"), kNeverReturns);
  EXPECT_EQ(luo_->freeze(), kNeverReturns);
  EXPECT_TRUE(log_.empty());
}

TEST_F(LuoReboot, AfterSuccessNoVerbOfAnIncomingSessionReturns) {
  const int handed = create("handed");
  ASSERT_EQ(preserve(handed, a_, 1), 0);
  kexec();
  const int incoming = retrieve_session("handed");
  const int outgoing = create("next");
  ASSERT_EQ(preserve(outgoing, b_, 2), 0);
  ASSERT_EQ(luo_->freeze(), 0);
  log_.clear();
  EXPECT_EQ(retrieve(incoming, 1), kNeverReturns);
  EXPECT_EQ(finish(incoming), kNeverReturns);
  EXPECT_TRUE(log_.empty());
}

TEST_F(LuoReboot, AfterSuccessNoCloseOfASessionReturns) {
  const int session = create();
  ASSERT_EQ(preserve(session, a_, 1), 0);
  ASSERT_EQ(luo_->freeze(), 0);
  log_.clear();
  EXPECT_EQ(close(session), kNeverReturns);
  EXPECT_TRUE(log_.empty());
  EXPECT_TRUE(a_.held());
}

TEST_F(LuoReboot, WhatNeverReturnsIsNoErrno) { EXPECT_GT(kNeverReturns, kMaxErrno); }

TEST_F(LuoReboot, WithoutSessionsTheNextKernelIsHandedTheCountAlone) {
  kexec();
  EXPECT_EQ(luo_->liveupdate_number(), 1u);
  EXPECT_EQ(try_retrieve_session("s"), ENOENT);
}

}  // namespace
}  // namespace holdover::host::kernel
