// SPDX-License-Identifier: MIT
// Claims about file-lifecycle-bound data: one object, born with the first file and dead with the last.
#include <gtest/gtest.h>

#include <cerrno>

#include "host/kernel/kho/dram_value.h"
#include "host/kernel/luo/abi.h"
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

  bool has(FlbCallback callback) const override { return callback != missing; }
  bool going_away() const override { return leaving; }

  std::optional<FlbCallback> missing;
  bool leaving = false;
  int preserve_error = 0;
  int retrieve_error = 0;
  int preserved = 0;
  int unpreserved = 0;
  int retrieved = 0;
  int finished = 0;

 private:
  std::string name_;
};

class Flb : public ::testing::Test {
 protected:
  Flb() { boot(); }
  ~Flb() override { luo_.reset(); }

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

TEST_F(Flb, UnregisteredHandlerIsEinval) {
  AnyHandler stranger("stranger-v1");
  EXPECT_EQ(luo_->register_flb(stranger, flb_), EINVAL);
}

TEST_F(Flb, EveryMissingCallbackIsEinval) {
  for (const auto callback :
       {FlbCallback::Preserve, FlbCallback::Unpreserve, FlbCallback::Retrieve, FlbCallback::Finish}) {
    CountingFlb flb("incomplete");
    flb.missing = callback;
    EXPECT_EQ(luo_->register_flb(handler_, flb), EINVAL);
  }
}

TEST_F(Flb, SamePairIsEexist) { EXPECT_EQ(luo_->register_flb(handler_, flb_), EEXIST); }

TEST_F(Flb, CompatibleStringInUseIsEexist) {
  CountingFlb twin("flb");
  EXPECT_EQ(luo_->register_flb(handler_, twin), EEXIST);
}

TEST_F(Flb, CompatibleStringHasToFitIntoItsFieldWithItsNul) {
  CountingFlb unnamed("");
  CountingFlb too_long(std::string(48, 'x'));
  CountingFlb longest(std::string(47, 'x'));
  EXPECT_EQ(luo_->register_flb(handler_, unnamed), EINVAL);
  EXPECT_EQ(luo_->register_flb(handler_, too_long), EINVAL);
  EXPECT_EQ(luo_->register_flb(handler_, longest), 0);
}

TEST_F(Flb, WithoutLuoEveryVerbIsEopnotsupp) {
  Kho off(*pages_, memory_.parameters(), false, nullptr);
  Luo luo(off, nullptr);
  EXPECT_EQ(luo.register_flb(handler_, flb_), EOPNOTSUPP);
  EXPECT_EQ(luo.unregister_flb(handler_, flb_), EOPNOTSUPP);
  EXPECT_EQ(luo.get_outgoing(flb_), EOPNOTSUPP);
  EXPECT_EQ(luo.get_incoming(flb_), EOPNOTSUPP);
}

TEST_F(Flb, OneObjectServesSeveralHandlers) {
  AnyHandler second("any-v2");
  ASSERT_EQ(luo_->register_handler(second), 0);
  EXPECT_EQ(luo_->register_flb(second, flb_), 0);
  EXPECT_EQ(luo_->register_flb(second, flb_), EEXIST);
}

TEST_F(Flb, UnregisteredPairIsGoneAndItsNameIsFree) {
  CountingFlb other("other");
  EXPECT_EQ(luo_->unregister_flb(handler_, other), ENOENT);
  EXPECT_EQ(luo_->unregister_flb(handler_, flb_), 0);
  CountingFlb twin("flb");
  EXPECT_EQ(luo_->register_flb(handler_, twin), 0);
  EXPECT_EQ(luo_->register_flb(handler_, flb_), EEXIST);
}

TEST_F(Flb, SixtyFourthFlbIsEnospc) {
  std::vector<std::unique_ptr<CountingFlb>> flbs;
  for (int index = 1; index < 63; ++index) {
    flbs.push_back(std::make_unique<CountingFlb>("flb" + std::to_string(index)));
    ASSERT_EQ(luo_->register_flb(handler_, *flbs.back()), 0);
  }
  CountingFlb last("last");
  EXPECT_EQ(luo_->register_flb(handler_, last), ENOSPC);
}

TEST_F(Flb, FirstFilePreservesAndTheLastPutUnpreserves) {
  EXPECT_EQ(luo_->get_outgoing(flb_), ENOENT);
  LuoSession* session = nullptr;
  ASSERT_EQ(luo_->create_session("s", session), 0);
  ASSERT_EQ(session->preserve(&a_, 1), 0);
  ASSERT_EQ(session->preserve(&b_, 2), 0);
  EXPECT_EQ(flb_.preserved, 1);
  EXPECT_EQ(luo_->get_outgoing(flb_), 0);
  EXPECT_EQ(luo_->outgoing_count(flb_), 3u) << "two files and a reference";
  EXPECT_EQ(luo_->incoming_count(flb_), 0u);
  session->close();
  EXPECT_EQ(flb_.unpreserved, 0) << "somebody still uses it";
  luo_->put_outgoing(flb_);
  EXPECT_EQ(luo_->outgoing_count(flb_), 0u);
  EXPECT_EQ(flb_.unpreserved, 1);
}

TEST_F(Flb, ErrorOfPreserveIsThatOfTheFileAndAFailedFileUndoesIt) {
  LuoSession* session = nullptr;
  ASSERT_EQ(luo_->create_session("s", session), 0);
  flb_.preserve_error = ENOMEM;
  EXPECT_EQ(session->preserve(&a_, 1), ENOMEM);
  flb_.preserve_error = 0;
  handler_.preserve_error = EPERM;
  EXPECT_EQ(session->preserve(&a_, 1), EPERM);
  EXPECT_EQ(flb_.unpreserved, 1) << "undone with its file";
}

TEST_F(Flb, CountOfFilesComesOverTheKexecAndTheLastPutFinishes) {
  hand_over_two_files();
  ASSERT_EQ(handed_->flbs.size(), 1u);
  EXPECT_EQ(handed_->flbs[0].name, "flb");
  EXPECT_EQ(handed_->flbs[0].data, 77u);
  EXPECT_EQ(handed_->flbs[0].count, 2u);

  EXPECT_EQ(luo_->get_incoming(flb_), 0);
  EXPECT_EQ(luo_->incoming_count(flb_), 3u) << "the files that were handed over, and this reference";
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

TEST_F(Flb, WithoutATableGetIncomingIsEnodata) { EXPECT_EQ(luo_->get_incoming(flb_), ENODATA); }

TEST_F(Flb, TableWithoutThisEntryIsEnoent) {
  hand_over_two_files();
  CountingFlb other("other");
  EXPECT_EQ(luo_->get_incoming(other), ENOENT);
}

TEST_F(Flb, FailedRetrieveIsTheSameErrorForEver) {
  hand_over_two_files();
  flb_.retrieve_error = EINVAL;
  EXPECT_EQ(luo_->get_incoming(flb_), EINVAL);
  flb_.retrieve_error = 0;
  EXPECT_EQ(luo_->get_incoming(flb_), EINVAL);
  EXPECT_EQ(flb_.retrieved, 1);
}

// As the kernel behaves: its count comes from the first get_incoming, not from the table.
TEST_F(Flb, CountUnderflowsWhereNobodyAskedBeforeTheFirstFinish) {
  hand_over_two_files();
  finish("one");
  EXPECT_EQ(flb_.finished, 0);
  EXPECT_EQ(console_.size(), 1u);
}

TEST_F(Flb, WithoutAPreservedFileGetOutgoingIsEnoent) { EXPECT_EQ(luo_->get_outgoing(flb_), ENOENT); }

TEST_F(Flb, OwnerGoingAwayIsEnodevAndNotSticky) {
  hand_over_two_files();
  flb_.leaving = true;
  EXPECT_EQ(luo_->get_incoming(flb_), ENODEV);
  EXPECT_EQ(flb_.retrieved, 0);
  flb_.leaving = false;
  EXPECT_EQ(luo_->get_incoming(flb_), 0);
}

TEST_F(Flb, OwnerGoingAwayIsEnodevForANewFile) {
  LuoSession* session = nullptr;
  ASSERT_EQ(luo_->create_session("s", session), 0);
  flb_.leaving = true;
  EXPECT_EQ(session->preserve(&a_, 1), ENODEV);
  EXPECT_FALSE(a_.held());
}

TEST_F(Flb, LeakedGetIsInTheCountThatIsHandedOver) {
  LuoSession* session = nullptr;
  ASSERT_EQ(luo_->create_session("one", session), 0);
  ASSERT_EQ(session->preserve(&a_, 1), 0);
  ASSERT_EQ(luo_->get_outgoing(flb_), 0);
  ASSERT_EQ(luo_->freeze(), 0);
  EXPECT_EQ(decode_live_update(memory_.dram(), kho_->fdt())->flbs[0].count, 2u);
  memory_.jump(kho_->fdt());
  boot();
  ASSERT_EQ(luo_->get_incoming(flb_), 0);
  luo_->put_incoming(flb_);
  finish("one");
  EXPECT_EQ(flb_.finished, 0) << "somebody is said to hold it still";
}

TEST_F(Flb, TableIsOnePageWithItsCount) {
  LuoSession* session = nullptr;
  ASSERT_EQ(luo_->create_session("one", session), 0);
  ASSERT_EQ(session->preserve(&a_, 1), 0);
  ASSERT_EQ(luo_->freeze(), 0);
  const auto blob = decode_kho(memory_.dram(), kho_->fdt())->subtrees[0].data;
  const auto luo = load<luo_abi::LuoSer>(memory_.dram(), blob.raw());
  const auto header = load<luo_abi::FlbHeader>(memory_.dram(), luo.flbs);
  EXPECT_EQ(header.pages, 1u);
  EXPECT_EQ(header.count, 1u);
}

// What callbacks of file and FLB are called, in one list.
class FlbOrder : public Flb {
 protected:
  class OrderedHandler : public AnyHandler {
   public:
    explicit OrderedHandler(std::vector<std::string>& log) : AnyHandler("ordered-v1"), log_(log) {}
    int preserve(FileState&) override { return note("preserve file"); }
    void unpreserve(FileState&) override { (void)note("unpreserve file"); }
    void finish(FileState&) override { (void)note("finish file"); }

   private:
    int note(const char* what) {
      log_.emplace_back(what);
      return 0;
    }
    std::vector<std::string>& log_;
  };
  class OrderedFlb : public CountingFlb {
   public:
    explicit OrderedFlb(std::vector<std::string>& log) : CountingFlb("ordered"), log_(log) {}
    int preserve(std::uint64_t& data) override {
      log_.emplace_back("preserve FLB");
      return CountingFlb::preserve(data);
    }
    void unpreserve(std::uint64_t) override { log_.emplace_back("unpreserve FLB"); }
    void finish(std::uint64_t) override { log_.emplace_back("finish FLB"); }

   private:
    std::vector<std::string>& log_;
  };
  void register_ordered() {
    ASSERT_EQ(luo_->unregister_handler(handler_), 0);
    ASSERT_EQ(luo_->register_handler(ordered_), 0);
    ASSERT_EQ(luo_->register_flb(ordered_, ordered_flb_), 0);
  }
  std::vector<std::string> log_;
  OrderedHandler ordered_{log_};
  OrderedFlb ordered_flb_{log_};
};

TEST_F(FlbOrder, FlbComesBeforeItsFileAndGoesAfterIt) {
  register_ordered();
  LuoSession* session = nullptr;
  ASSERT_EQ(luo_->create_session("s", session), 0);
  ASSERT_EQ(session->preserve(&a_, 1), 0);
  session->close();
  EXPECT_EQ(log_, (std::vector<std::string>{"preserve FLB", "preserve file", "unpreserve file", "unpreserve FLB"}));
  ASSERT_EQ(luo_->create_session("s", session), 0);
  ASSERT_EQ(session->preserve(&a_, 1), 0);
  ASSERT_EQ(luo_->freeze(), 0);
  memory_.jump(kho_->fdt());
  boot();
  register_ordered();
  ASSERT_EQ(luo_->get_incoming(ordered_flb_), 0);
  luo_->put_incoming(ordered_flb_);
  log_.clear();
  finish("s");
  EXPECT_EQ(log_, (std::vector<std::string>{"finish file", "finish FLB"}));
  luo_.reset();
}

}  // namespace
}  // namespace holdover::host::kernel
