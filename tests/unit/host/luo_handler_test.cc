// SPDX-License-Identifier: MIT
// Claims about file handlers: what can be registered, when each callback runs, and when a handler may leave.
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/unit/host/luo_user.h"

namespace holdover::host::kernel {
namespace {

class LuoHandler : public LuoUser {};

TEST_F(LuoHandler, EveryRequiredCallbackMissingIsEinval) {
  for (const auto callback : {FileCallback::CanPreserve, FileCallback::Preserve, FileCallback::Unpreserve,
                              FileCallback::Retrieve, FileCallback::Finish}) {
    FakeHandler handler(log_, "incomplete");
    handler.missing = callback;
    EXPECT_EQ(luo_->register_handler(handler), EINVAL);
  }
}

// freeze, unfreeze, can_finish and get_id have what happens without them as their default.
TEST_F(LuoHandler, OptionalCallbacksMayBeMissing) {
  class Least : public FileHandler {
   public:
    std::string_view compatible() const override { return "least"; }
    bool can_preserve(const KernelFile& file) const override {
      return dynamic_cast<const OtherFile*>(&file) != nullptr;
    }
    int preserve(FileState&) override { return 0; }
    void unpreserve(FileState&) override {}
    int retrieve(FileState&) override { return ENODEV; }
    void finish(FileState&) override {}
  } least;
  OtherFile file;
  ASSERT_EQ(luo_->register_handler(least), 0);
  ASSERT_EQ(preserve(create(), file, 1), 0);
  ASSERT_EQ(luo_->freeze(), 0);
  jump();
  end_kernel();
  boot();
  ASSERT_EQ(luo_->register_handler(least), 0);
  start_process();
  EXPECT_EQ(finish(retrieve_session()), 0);
}

TEST_F(LuoHandler, CompatibleStringInUseIsEexist) {
  FakeHandler twin(log_);
  EXPECT_EQ(luo_->register_handler(twin), EEXIST);
}

TEST_F(LuoHandler, CompatibleStringHasToFitIntoItsFieldWithItsNul) {
  FakeHandler longest(log_, std::string(47, 'x'));
  FakeHandler too_long(log_, std::string(48, 'x'));
  FakeHandler unnamed(log_, "");
  EXPECT_EQ(luo_->register_handler(longest), 0);
  EXPECT_EQ(luo_->register_handler(too_long), EINVAL);
  EXPECT_EQ(luo_->register_handler(unnamed), EINVAL);
}

TEST_F(LuoHandler, WithoutLuoEveryVerbIsEopnotsupp) {
  kernel::Kho off(*pages_, memory_.parameters(), false, nullptr);
  Luo luo(off, nullptr);
  FakeHandler handler(log_);
  EXPECT_EQ(luo.register_handler(handler), EOPNOTSUPP);
  EXPECT_EQ(luo.unregister_handler(handler), EOPNOTSUPP);
}

TEST_F(LuoHandler, HandlerWithAFileInItsHandsCannotBeUnregistered) {
  const int session = create();
  ASSERT_EQ(preserve(session, a_, 1), 0);
  EXPECT_EQ(luo_->unregister_handler(handler_), EBUSY);
  ASSERT_EQ(close(session), 0);
  EXPECT_EQ(luo_->unregister_handler(handler_), 0);
  EXPECT_EQ(luo_->unregister_handler(handler_), ENOENT);
  EXPECT_EQ(preserve(create(), a_, 1), ENOENT);
}

TEST_F(LuoHandler, HandlerWithAnIncomingFileCannotBeUnregisteredBeforeFinish) {
  ASSERT_EQ(preserve(create(), a_, 1), 0);
  kexec();
  const int session = retrieve_session();
  EXPECT_EQ(luo_->unregister_handler(handler_), EBUSY);
  ASSERT_EQ(finish(session), 0);
  EXPECT_EQ(luo_->unregister_handler(handler_), 0);
}

TEST_F(LuoHandler, FreezeMayReplaceTheHandleAndRetrieveGetsNothingElse) {
  ASSERT_EQ(preserve(create(), a_, 7), 0);
  kexec();
  ASSERT_EQ(retrieve(retrieve_session(), 7), 0);
  EXPECT_EQ(handler_.retrieved_handle, 1008u);
}

TEST_F(LuoHandler, FinishSeesHowTheRetrieveEnded) {
  const int session = create();
  ASSERT_EQ(preserve(session, a_, 1), 0);
  ASSERT_EQ(preserve(create("failed"), b_, 2), 0);
  ASSERT_EQ(preserve(create("untried"), c_, 3), 0);
  kexec();
  const int good = retrieve_session();
  ASSERT_EQ(retrieve(good, 1), 0);
  ASSERT_EQ(finish(good), 0);
  EXPECT_GT(handler_.finish_status, 0);
  const int failed = retrieve_session("failed");
  handler_.retrieve_error = ENODEV;
  ASSERT_EQ(retrieve(failed, 2), ENODEV);
  ASSERT_EQ(finish(failed), 0);
  EXPECT_EQ(handler_.finish_status, -ENODEV);
  ASSERT_EQ(finish(retrieve_session("untried")), 0);
  EXPECT_EQ(handler_.finish_status, 0);
}

TEST_F(LuoHandler, PreserveAndUnpreserveRunWhileTheWorkloadRuns) {
  const int session = create();
  ASSERT_EQ(preserve(session, a_, 1), 0);
  EXPECT_EQ(log_, (Log{"preserve1"}));
  ASSERT_EQ(close(session), 0);
  EXPECT_EQ(log_, (Log{"preserve1", "unpreserve1"}));
}

}  // namespace
}  // namespace holdover::host::kernel
