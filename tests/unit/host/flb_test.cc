// SPDX-License-Identifier: MIT
// Claims about file-lifecycle-bound data: one object, born with the first file and dead with the last.
#include <gtest/gtest.h>

#include <cerrno>

#include "host/kernel/luo/luo.h"
#include "tests/unit/host/successive_kernels.h"

namespace holdover::host::kernel {
namespace {

class AnyFile : public KernelFile {};

class AnyHandler : public FileHandler {
 public:
  explicit AnyHandler(std::string name) : name_(std::move(name)) {}
  std::string_view compatible() const override { return name_; }
  bool can_preserve(const KernelFile&) const override { return true; }
  int preserve(FileState&) override { return preserve_error; }
  void unpreserve(FileState&) override {}
  int retrieve(FileState&) override { return ENODEV; }
  void finish(FileState&) override {}

  int preserve_error = 0;

 private:
  std::string name_;
};

class CountingFlb : public Flb {
 public:
  explicit CountingFlb(std::string name) : name_(std::move(name)) {}
  std::string_view compatible() const override { return name_; }
  int preserve(std::uint64_t& data) override {
    ++preserved;
    data = 77;
    return preserve_error;
  }
  void unpreserve(std::uint64_t data) override {
    EXPECT_EQ(data, 77u);
    ++unpreserved;
  }
  int retrieve(std::uint64_t data) override {
    EXPECT_EQ(data, 77u);
    ++retrieved;
    return retrieve_error;
  }
  void finish(std::uint64_t data) override {
    EXPECT_EQ(data, 77u);
    ++finished;
  }

  int preserve_error = 0;
  int retrieve_error = 0;
  int preserved = 0;
  int unpreserved = 0;
  int retrieved = 0;
  int finished = 0;

 private:
  std::string name_;
};

class FlbTest : public ::testing::Test {
 protected:
  FlbTest() { boot(); }
  ~FlbTest() override { luo_.reset(); }

  void boot() {
    luo_.reset();
    kho_.reset();
    pages_ = memory_.begin_kernel();
    kho_ = std::make_unique<Kho>(*pages_, memory_.parameters(), true, nullptr);
    luo_ = std::make_unique<Luo>(*kho_, [this](std::string_view line) { console_.emplace_back(line); });
    EXPECT_EQ(luo_->register_handler(handler_), 0);
    EXPECT_EQ(luo_->register_flb(handler_, flb_), 0);
  }
  // Two files in two sessions, over a kexec.
  void hand_over_two_files() {
    for (const char* name : {"one", "two"}) {
      LuoSession* session = nullptr;
      ASSERT_EQ(luo_->create_session(name, session), 0);
      ASSERT_EQ(session->preserve(name[0] == 'o' ? &a_ : &b_, 1), 0);
    }
    ASSERT_EQ(luo_->freeze(), 0);
    memory_.jump(kho_->fdt());
    handed_ = decode_live_update(memory_.dram(), PhysicalAddress{memory_.parameters().kho_fdt});
    boot();
  }
  void finish(const std::string& name) {
    if (!open_) {
      ASSERT_EQ(luo_->open(), 0);
    }
    open_ = true;
    LuoSession* session = nullptr;
    ASSERT_EQ(luo_->retrieve_session(name, session), 0);
    ASSERT_EQ(session->finish(), 0);
  }

  testing::Memory memory_;
  std::vector<std::string> console_;
  AnyHandler handler_{"any-v1"};
  CountingFlb flb_{"flb"};
  AnyFile a_;
  AnyFile b_;
  bool open_ = false;
  std::optional<HandedLiveUpdate> handed_;  // as it stood at the jump
  std::unique_ptr<PageAllocator> pages_;
  std::unique_ptr<Kho> kho_;
  std::unique_ptr<Luo> luo_;
};

TEST_F(FlbTest, RegistrationIsChecked) {
  AnyHandler stranger("stranger-v1");
  CountingFlb twin("flb");
  CountingFlb unnamed("");
  EXPECT_EQ(luo_->register_flb(stranger, flb_), EINVAL) << "the handler is not registered";
  EXPECT_EQ(luo_->register_flb(handler_, flb_), EEXIST) << "this pair is";
  EXPECT_EQ(luo_->register_flb(handler_, twin), EEXIST) << "the name is taken";
  EXPECT_EQ(luo_->register_flb(handler_, unnamed), EINVAL);
}

TEST_F(FlbTest, SixtyThreeFlbsFit) {
  std::vector<std::unique_ptr<CountingFlb>> flbs;
  for (int index = 1; index < 63; ++index) {
    flbs.push_back(std::make_unique<CountingFlb>("flb" + std::to_string(index)));
    ASSERT_EQ(luo_->register_flb(handler_, *flbs.back()), 0);
  }
  CountingFlb last("last");
  EXPECT_EQ(luo_->register_flb(handler_, last), ENOSPC);
}

TEST_F(FlbTest, ObjectExistsWhileAFileIsPreserved) {
  EXPECT_EQ(luo_->get_outgoing(flb_), ENOENT);
  LuoSession* session = nullptr;
  ASSERT_EQ(luo_->create_session("s", session), 0);
  ASSERT_EQ(session->preserve(&a_, 1), 0);
  ASSERT_EQ(session->preserve(&b_, 2), 0);
  EXPECT_EQ(flb_.preserved, 1);
  EXPECT_EQ(luo_->get_outgoing(flb_), 0);
  session->close();
  EXPECT_EQ(flb_.unpreserved, 0) << "somebody still uses it";
  luo_->put_outgoing(flb_);
  EXPECT_EQ(flb_.unpreserved, 1);
}

TEST_F(FlbTest, FailureIsThatOfThePreserve) {
  LuoSession* session = nullptr;
  ASSERT_EQ(luo_->create_session("s", session), 0);
  flb_.preserve_error = ENOMEM;
  EXPECT_EQ(session->preserve(&a_, 1), ENOMEM);
  flb_.preserve_error = 0;
  handler_.preserve_error = EPERM;
  EXPECT_EQ(session->preserve(&a_, 1), EPERM);
  EXPECT_EQ(flb_.unpreserved, 1) << "undone with its file";
}

TEST_F(FlbTest, CountsFilesOverTheKexec) {
  hand_over_two_files();
  ASSERT_EQ(handed_->flbs.size(), 1u);
  EXPECT_EQ(handed_->flbs[0].name, "flb");
  EXPECT_EQ(handed_->flbs[0].data, 77u);
  EXPECT_EQ(handed_->flbs[0].count, 2u);

  EXPECT_EQ(luo_->get_incoming(flb_), 0);
  luo_->put_incoming(flb_);
  EXPECT_EQ(luo_->get_incoming(flb_), 0);
  luo_->put_incoming(flb_);
  EXPECT_EQ(flb_.retrieved, 1);
  finish("two");
  EXPECT_EQ(flb_.finished, 0);
  finish("one");
  EXPECT_EQ(flb_.finished, 1);
  EXPECT_EQ(luo_->get_incoming(flb_), ENODATA) << "finished";
}

TEST_F(FlbTest, ColdBootHasNoTable) { EXPECT_EQ(luo_->get_incoming(flb_), ENODATA); }

TEST_F(FlbTest, TableWithoutThisEntryIsEnoent) {
  hand_over_two_files();
  CountingFlb other("other");
  EXPECT_EQ(luo_->get_incoming(other), ENOENT);
}

TEST_F(FlbTest, FailedRetrieveIsSticky) {
  hand_over_two_files();
  flb_.retrieve_error = EINVAL;
  EXPECT_EQ(luo_->get_incoming(flb_), EINVAL);
  flb_.retrieve_error = 0;
  EXPECT_EQ(luo_->get_incoming(flb_), EINVAL);
  EXPECT_EQ(flb_.retrieved, 1);
}

// As the kernel behaves: its count comes from the first get_incoming, not from the table.
TEST_F(FlbTest, CountUnderflowsWhereNobodyAskedBeforeTheFirstFinish) {
  hand_over_two_files();
  finish("one");
  EXPECT_EQ(flb_.finished, 0);
  EXPECT_EQ(console_.size(), 1u);
}

}  // namespace
}  // namespace holdover::host::kernel
