// SPDX-License-Identifier: MIT
// Claims about RETRIEVE_FD and FINISH: any order, sticky results, all or nothing; and mistakes of an agent.
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/unit/host/luo_user.h"

namespace holdover::host::kernel {
namespace {

class LuoRetrieve : public LuoUser {
 protected:
  // Files 1 to 3 in one session, over the kexec.
  int handed_over() {
    const int session = create();
    EXPECT_EQ(preserve(session, a_, 1), 0);
    EXPECT_EQ(preserve(session, b_, 2), 0);
    EXPECT_EQ(preserve(session, c_, 3), 0);
    kexec();
    const int incoming = retrieve_session();
    log_.clear();
    return incoming;
  }
};

TEST_F(LuoRetrieve, AnyOrderOfTokens) {
  const int session = handed_over();
  for (const std::uint64_t token : {2u, 3u, 1u}) EXPECT_EQ(retrieve(session, token), 0);
  EXPECT_EQ(log_, (Log{"retrieve2", "retrieve3", "retrieve1"}));
}

TEST_F(LuoRetrieve, UnknownTokenIsEnoent) {
  const int session = handed_over();
  EXPECT_EQ(retrieve(session, 9), ENOENT);
  EXPECT_EQ(retrieve(session, 1), 0) << "and nothing is lost";
}

TEST_F(LuoRetrieve, FailureIsTheSameErrorForEver) {
  const int session = handed_over();
  handler_.retrieve_error = ENODEV;
  EXPECT_EQ(retrieve(session, 2), ENODEV);
  handler_.retrieve_error = 0;
  EXPECT_EQ(retrieve(session, 2), ENODEV);
  EXPECT_EQ(log_, (Log{"retrieve2"})) << "the handler is not asked again";
}

TEST_F(LuoRetrieve, SecondSuccessIsTheSameFileUnderANewDescriptor) {
  const int session = handed_over();
  int first = -1;
  int second = -1;
  ASSERT_EQ(retrieve(session, 1, &first), 0);
  ASSERT_EQ(retrieve(session, 1, &second), 0);
  EXPECT_NE(first, second);
  EXPECT_EQ(descriptors_->find(first), descriptors_->find(second));
  EXPECT_EQ(log_, (Log{"retrieve1"}));
}

TEST_F(LuoRetrieve, SessionHoldsTheFileUntilFinish) {
  const int session = handed_over();
  int file = -1;
  ASSERT_EQ(retrieve(session, 1, &file), 0);
  ASSERT_EQ(close(file), 0);
  EXPECT_TRUE(handler_.file_made.held());
  ASSERT_EQ(finish(session), 0);
  EXPECT_FALSE(handler_.file_made.held());
}

TEST_F(LuoRetrieve, FinishIsEbusyAndDoesNothingWhereOneFileIsNotReady) {
  const int session = handed_over();
  handler_.unfinished = 1;
  EXPECT_EQ(finish(session), EBUSY);
  EXPECT_TRUE(log_.empty());
  handler_.unfinished.reset();
  EXPECT_EQ(finish(session), 0);
}

TEST_F(LuoRetrieve, FinishRunsInReverse) {
  const int session = handed_over();
  ASSERT_EQ(finish(session), 0);
  EXPECT_EQ(log_, (Log{"finish3", "finish2", "finish1"}));
}

TEST_F(LuoRetrieve, FinishOfASessionWithoutFilesSucceeds) {
  (void)create("empty");
  kexec();
  EXPECT_EQ(finish(retrieve_session("empty")), 0);
}

TEST_F(LuoRetrieve, SecondFinishAndRetrieveAfterItAreHarmless) {
  const int session = handed_over();
  ASSERT_EQ(finish(session), 0);
  log_.clear();
  EXPECT_EQ(finish(session), 0) << "nothing is left";
  EXPECT_EQ(retrieve(session, 1), ENOENT);
  EXPECT_EQ(close(session), 0);
  EXPECT_TRUE(log_.empty());
  EXPECT_EQ(preserve(create("next"), a_, 1), 0) << "the next live update is possible";
}

TEST_F(LuoRetrieve, RetrieveOnAClosedSessionIsEbadf) {
  const int session = handed_over();
  ASSERT_EQ(close(session), 0);
  EXPECT_EQ(retrieve(session, 1), EBADF);
}

TEST_F(LuoRetrieve, RetrieveBeforeTheKexecIsEinvalAndTheSessionGoesOn) {
  const int session = create();
  ASSERT_EQ(preserve(session, a_, 1), 0);
  EXPECT_EQ(retrieve(session, 1), EINVAL);
  EXPECT_EQ(finish(session), EINVAL);
  kexec();
  EXPECT_EQ(retrieve(retrieve_session(), 1), 0);
}

TEST_F(LuoRetrieve, IncomingFileCanBeOutgoingBeforeItIsFinished) {
  const int session = handed_over();
  int file = -1;
  ASSERT_EQ(retrieve(session, 1, &file), 0);
  EXPECT_EQ(preserve(create("next"), file, 1), 0);
  EXPECT_EQ(finish(session), 0);
  kexec();
  EXPECT_EQ(luo_->liveupdate_number(), 2u);
  EXPECT_EQ(retrieve(retrieve_session("next"), 1), 0);
}

}  // namespace
}  // namespace holdover::host::kernel
