// SPDX-License-Identifier: MIT
// Claims about sessions: names, limits, and what becomes of them when their descriptors are closed.
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/unit/host/luo_user.h"

namespace holdover::host::kernel {
namespace {

class LuoSession : public LuoUser {};

TEST_F(LuoSession, NamesHaveOneToSixtyThreeCharacters) {
  EXPECT_EQ(try_create(""), EINVAL);
  EXPECT_EQ(try_create("n"), 0);
  EXPECT_EQ(try_create(std::string(63, 'n')), 0);
}

TEST_F(LuoSession, NameWithoutNulIsEinval) {
  EXPECT_EQ(try_create(std::string(64, 'n')), EINVAL);
  EXPECT_EQ(try_retrieve_session(std::string(64, 'n')), EINVAL);
}

TEST_F(LuoSession, NameOfAnotherOutgoingSessionIsEexist) {
  const int first = create("s");
  EXPECT_EQ(try_create("s"), EEXIST);
  EXPECT_EQ(close(first), 0);
  EXPECT_EQ(try_create("s"), 0);
}

TEST_F(LuoSession, NameOfAnIncomingSessionIsFreeForAnOutgoingOne) {
  (void)create("s");
  kexec();
  EXPECT_EQ(try_create("s"), 0);
  EXPECT_EQ(try_retrieve_session("s"), 0);
}

TEST_F(LuoSession, UnknownNameIsEnoent) {
  EXPECT_EQ(try_retrieve_session("s"), ENOENT);
  (void)create("s");
  EXPECT_EQ(try_retrieve_session("s"), ENOENT) << "outgoing is not incoming";
}

TEST_F(LuoSession, RetrievedTwiceIsEinval) {
  (void)create("s");
  kexec();
  EXPECT_EQ(try_retrieve_session("s"), 0);
  EXPECT_EQ(try_retrieve_session("s"), EINVAL);
}

TEST_F(LuoSession, MoreThanOneBlockOfSessionsAndFilesSurvives) {
  for (unsigned index = 0; index < 51; ++index) (void)create("s" + std::to_string(index));
  const int full = create("full");
  for (unsigned index = 0; index < 64; ++index) {
    many_.push_back(std::make_unique<FakeFile>());
    ASSERT_EQ(preserve(full, *many_.back(), index), 0);
  }
  kexec();
  const int session = retrieve_session("full");
  EXPECT_EQ(luo_->incoming().size(), 52u);
  EXPECT_EQ(retrieve(session, 63), 0);
}

TEST_F(LuoSession, NoPageForTheBlockIsEnomem) {
  (void)device();
  exhaust_memory();
  EXPECT_EQ(try_create("s"), ENOMEM);
  EXPECT_TRUE(luo_->outgoing().empty());
}

TEST_F(LuoSession, ClosingAnOutgoingSessionUnpreservesInReverseAndDeletesIt) {
  const std::uint64_t before = pages_->free_pages();
  const int session = create();
  ASSERT_EQ(preserve(session, a_, 1), 0);
  ASSERT_EQ(preserve(session, b_, 2), 0);
  log_.clear();
  ASSERT_EQ(close(session), 0);
  EXPECT_EQ(log_, (Log{"unpreserve2", "unpreserve1"}));
  EXPECT_TRUE(luo_->outgoing().empty());
  EXPECT_FALSE(a_.held());
  EXPECT_LE(before - pages_->free_pages(), 1u) << "a node of the tree may stay, blocks may not";
  EXPECT_EQ(preserve(create(), a_, 1), 0) << "name and file are free again";
}

TEST_F(LuoSession, DeathOfTheProcessClosesEverySession) {
  ASSERT_EQ(preserve(create("first"), a_, 1), 0);
  ASSERT_EQ(preserve(create("second"), b_, 2), 0);
  log_.clear();
  descriptors_->close_all();
  EXPECT_EQ(log_, (Log{"unpreserve1", "unpreserve2"}));
  EXPECT_TRUE(luo_->outgoing().empty());
  EXPECT_EQ(luo_->open(), 0) << "the device node is closed as well";
}

TEST_F(LuoSession, DeathOfTheProcessFinishesIncomingSessions) {
  ASSERT_EQ(preserve(create(), a_, 1), 0);
  kexec();
  ASSERT_EQ(retrieve(retrieve_session(), 1), 0);
  log_.clear();
  descriptors_->close_all();
  EXPECT_EQ(log_, (Log{"finish1"}));
  EXPECT_TRUE(luo_->incoming().empty());
}

TEST_F(LuoSession, ClosingAnIncomingSessionFinishesIt) {
  ASSERT_EQ(preserve(create(), a_, 1), 0);
  kexec();
  ASSERT_EQ(close(retrieve_session()), 0);
  EXPECT_EQ(log_, (Log{"finish1"}));
  EXPECT_EQ(try_retrieve_session("s"), ENOENT);
}

TEST_F(LuoSession, RefusedFinishAtCloseOnlyLogsAndHoldsTheFilesUntilTheNextBoot) {
  ASSERT_EQ(preserve(create(), a_, 1), 0);
  kexec();
  const int session = retrieve_session();
  ASSERT_EQ(retrieve(session, 1), 0);
  handler_.unfinished = 1;
  log_.clear();
  console_.clear();
  EXPECT_EQ(close(session), 0);
  EXPECT_TRUE(log_.empty());
  EXPECT_EQ(console_.size(), 1u);
  EXPECT_EQ(try_retrieve_session("s"), EINVAL) << "marked as retrieved for ever";
  EXPECT_TRUE(handler_.file_made.held());
}

}  // namespace
}  // namespace holdover::host::kernel
