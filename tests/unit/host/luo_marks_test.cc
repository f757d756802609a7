// SPDX-License-Identifier: MIT
// What LUO tells the bench: each verb that completes, and what became of files, in this order.
#include "tests/unit/host/luo_fixture.h"

namespace holdover::host::kernel {
namespace {

using pcie::Step;
using Marks = std::vector<std::pair<Step, std::uint64_t>>;

constexpr std::uint64_t kFirst = std::uint64_t{1} << 48;  // session

class NoFlb : public Flb {
 public:
  std::string_view compatible() const override { return "flb-v1"; }
  int preserve(std::uint64_t&) override { return 0; }
  void unpreserve(std::uint64_t) override {}
  int retrieve(std::uint64_t) override { return 0; }
  void finish(std::uint64_t) override {}
};

class LuoMarks : public LuoTest {
 protected:
  void boot_with_flb() {
    boot();
    EXPECT_EQ(luo_->register_flb(handler_, flb_), 0);
  }
  NoFlb flb_;
};

TEST_F(LuoMarks, AFileAndItsFlbComeAndGo) {
  boot_with_flb();
  LuoSession& s = session();
  ASSERT_EQ(s.preserve(&a_, 1), 0);
  s.close();
  EXPECT_EQ(marks_, (Marks{{Step::SessionCreated, 1},
                           {Step::FlbPreserved, 0},
                           {Step::FilePreserved, 1},
                           {Step::FlbUnpreserved, 0},
                           {Step::FileUnpreserved, 1},
                           {Step::SessionClosed, 0}}));
}

TEST_F(LuoMarks, AFreezeThatFailsUnfreezesWhatItFroze) {
  LuoSession& s = session();
  ASSERT_EQ(s.preserve(&a_, 1), 0);
  ASSERT_EQ(s.preserve(&b_, 2), 0);
  handler_.failing_freeze = 2;
  marks_.clear();
  EXPECT_EQ(luo_->freeze(), EIO);
  EXPECT_EQ(marks_, (Marks{{Step::FileFrozen, 0}, {Step::FileUnfrozen, 0}, {Step::FreezeFailed, EIO}}));
}

TEST_F(LuoMarks, AfterAFreezeNothingIsMarkedAnyMore) {
  LuoSession& s = session();
  ASSERT_EQ(s.preserve(&a_, 1), 0);
  marks_.clear();
  ASSERT_EQ(luo_->freeze(), 0);
  EXPECT_EQ(marks_, (Marks{{Step::FileFrozen, 0}, {Step::FreezeSucceeded, 1}}));
  EXPECT_NE(s.preserve(&b_, 2), 0);
  s.close();
  EXPECT_EQ(marks_.size(), 2u);
}

TEST_F(LuoMarks, ARetrieveIsToldEachTimeAndItsHandlerOnce) {
  LuoSession& s = session();
  ASSERT_EQ(s.preserve(&a_, 5), 0);
  ASSERT_EQ(luo_->freeze(), 0);
  jump();
  boot();
  LuoSession& incoming = retrieved();
  handler_.retrieve_error = ENODEV;
  KernelFile* file = nullptr;
  EXPECT_EQ(incoming.retrieve(5, file), ENODEV);
  EXPECT_EQ(incoming.retrieve(5, file), ENODEV);
  const std::uint64_t what = kFirst | 5u << 16 | static_cast<unsigned>(ENODEV);
  EXPECT_EQ(marks_, (Marks{{Step::SessionRetrieved, 1},
                           {Step::FileRestored, what},
                           {Step::FileRetrieved, what},
                           {Step::FileRetrieved, what}}));
}

TEST_F(LuoMarks, AFinishIsRefusedOrTellsEachFile) {
  boot_with_flb();
  LuoSession& s = session();
  ASSERT_EQ(s.preserve(&a_, 5), 0);
  ASSERT_EQ(luo_->freeze(), 0);
  jump();
  boot_with_flb();
  LuoSession& incoming = retrieved();
  ASSERT_EQ(luo_->get_incoming(flb_), 0);
  luo_->put_incoming(flb_);
  handler_.unfinished = 5;
  EXPECT_EQ(incoming.finish(), EBUSY);
  handler_.unfinished.reset();
  EXPECT_EQ(incoming.finish(), 0);
  EXPECT_EQ(marks_, (Marks{{Step::SessionRetrieved, 1},
                           {Step::FlbRetrieved, 0},
                           {Step::FinishRefused, EBUSY},
                           {Step::FlbFinished, 0},
                           {Step::FileFinished, 0},
                           {Step::SessionFinished, 1}}));
}

}  // namespace
}  // namespace holdover::host::kernel
