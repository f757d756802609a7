// SPDX-License-Identifier: MIT
// Claims about PRESERVE_FD: the order of its checks, and that each failure undoes what stands before it.
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/unit/host/luo_user.h"

namespace holdover::host::kernel {
namespace {

constexpr int kNotOpen = 999;

class LuoPreserve : public LuoUser {
 protected:
  const LuoSession& only() { return *luo_->outgoing().front(); }
};

TEST_F(LuoPreserve, TokenInUseIsEexist) {
  const int session = create();
  ASSERT_EQ(preserve(session, a_, 1), 0);
  EXPECT_EQ(preserve(session, kNotOpen, 1), EEXIST) << "the token before the descriptor";
  EXPECT_EQ(preserve(create("other"), b_, 1), 0) << "tokens belong to their session";
}

TEST_F(LuoPreserve, NoRoomInTheBlockIsEnomem) {
  const int session = create();
  exhaust_memory();
  EXPECT_EQ(preserve(session, kNotOpen, 1), ENOMEM) << "the room before the descriptor";
}

TEST_F(LuoPreserve, BadDescriptorIsEbadf) {
  EXPECT_EQ(preserve(create(), kNotOpen, 1), EBADF);
  EXPECT_EQ(only().file_count(), 0u);
  EXPECT_TRUE(log_.empty());
}

TEST_F(LuoPreserve, NoHandlerThatTakesTheFileIsEnoent) {
  OtherFile foreign;
  EXPECT_EQ(preserve(create(), foreign, 1), ENOENT);
  EXPECT_FALSE(foreign.held());
}

TEST_F(LuoPreserve, ASessionCannotHoldASession) {
  const int session = create();
  EXPECT_EQ(preserve(session, session, 1), ENOENT);
}

TEST_F(LuoPreserve, FirstHandlerThatTakesTheFileDecides) {
  Log second_log;
  FakeHandler second(second_log, "fake-v2");
  ASSERT_EQ(luo_->register_handler(second), 0);
  ASSERT_EQ(preserve(create(), a_, 1), 0);
  EXPECT_EQ(log_, (Log{"preserve1"}));
  EXPECT_TRUE(second_log.empty());
  descriptors_->close_all();
}

TEST_F(LuoPreserve, HandlerWhoseModuleIsGoingAwayIsEnoent) {
  Log second_log;
  FakeHandler second(second_log, "fake-v2");
  ASSERT_EQ(luo_->register_handler(second), 0);
  handler_.leaving = true;
  EXPECT_EQ(preserve(create(), a_, 1), ENOENT) << "the next handler is not asked";
}

TEST_F(LuoPreserve, FilePreservedAnywhereIsEbusy) {
  const int session = create();
  ASSERT_EQ(preserve(session, a_, 1), 0);
  EXPECT_EQ(preserve(session, a_, 2), EBUSY);
  EXPECT_EQ(preserve(create("other"), a_, 1), EBUSY);
  EXPECT_TRUE(a_.held());
}

TEST_F(LuoPreserve, IdentityOfTheHandlerDecidesWhatIsTheSameFile) {
  handler_.alias = &handler_;
  const int session = create();
  ASSERT_EQ(preserve(session, a_, 1), 0);
  EXPECT_EQ(preserve(session, b_, 2), EBUSY);
}

TEST_F(LuoPreserve, ErrorOfTheHandlerIsReturnedAndEverythingBeforeItUndone) {
  const int session = create();
  handler_.preserve_error = EPERM;
  EXPECT_EQ(preserve(session, a_, 1), EPERM);
  EXPECT_EQ(only().file_count(), 0u);
  EXPECT_FALSE(a_.held());
  handler_.preserve_error = 0;
  EXPECT_EQ(preserve(session, a_, 1), 0) << "token and file are free";
}

TEST_F(LuoPreserve, FileStaysHeldAfterItsDescriptorIsClosed) {
  const int session = create();
  const int file = descriptors_->install(a_);
  ASSERT_EQ(preserve(session, file, 1), 0);
  ASSERT_EQ(close(file), 0);
  EXPECT_TRUE(a_.held());
}

}  // namespace
}  // namespace holdover::host::kernel
