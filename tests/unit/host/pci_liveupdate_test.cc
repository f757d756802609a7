// SPDX-License-Identifier: MIT
// Claims about the PCI core's part: who is recorded, how often, and what a new kernel makes of it.
#include <gtest/gtest.h>

#include <cerrno>

#include "host/kernel/kho/dram_value.h"
#include "host/kernel/luo/luo.h"
#include "host/kernel/panic.h"
#include "host/kernel/pci/abi/pci_v8.h"
#include "host/kernel/pci/liveupdate.h"
#include "tests/unit/host/successive_kernels.h"

namespace holdover::host::kernel {
namespace {

constexpr pcie::Bdf kRootPort{0, 0, 1, 0};
constexpr pcie::Bdf kUpstream{0, 1, 0, 0};
constexpr pcie::Bdf kLeftPort{0, 2, 0, 0};
constexpr pcie::Bdf kRightPort{0, 2, 1, 0};
constexpr pcie::Bdf kLeft{0, 3, 0, 0};
constexpr pcie::Bdf kRight{0, 4, 0, 0};

class FunctionFile : public KernelFile {
 public:
  FunctionFile(pcie::Bdf function, std::vector<pcie::Bdf> bridges) : path{function, std::move(bridges)} {}
  PciPath path;
};

// What a driver does: reports its function from the callbacks of its file handler.
class DriverHandler : public FileHandler {
 public:
  std::string_view compatible() const override { return "driver-v1"; }
  bool can_preserve(const KernelFile&) const override { return true; }
  int preserve(FileState& state) override { return forgetful ? 0 : pci->preserve(path(state)); }
  void unpreserve(FileState& state) override { pci->unpreserve(path(state)); }
  int retrieve(FileState&) override { return ENODEV; }
  void finish(FileState& state) override {
    if (!forgetful) pci->finish(*by_token[state.token]);
  }

  PciLiveUpdate* pci = nullptr;
  bool forgetful = false;
  std::map<std::uint64_t, const PciPath*> by_token;

 private:
  static const PciPath& path(const FileState& state) { return dynamic_cast<const FunctionFile&>(*state.file).path; }
};

class PciLiveUpdateTest : public ::testing::Test {
 protected:
  PciLiveUpdateTest() {
    driver_.by_token = {{1, &left_.path}, {2, &right_.path}};
    boot();
  }
  ~PciLiveUpdateTest() override { luo_.reset(); }

  void boot() {
    luo_.reset();
    kho_.reset();
    pages_ = memory_.begin_kernel();
    const auto console = [this](std::string_view line) { console_.emplace_back(line); };
    kho_ = std::make_unique<Kho>(*pages_, memory_.parameters(), true, console);
    luo_ = std::make_unique<Luo>(*kho_, console);
    pci_ = std::make_unique<PciLiveUpdate>(
        *kho_, *luo_, rules_of(PciSeries::V9), nullptr,
        [this](pcie::Step step, std::uint64_t value) { marks_.emplace_back(step, value); }, console);
    driver_.pci = pci_.get();
    EXPECT_EQ(luo_->register_handler(driver_), 0);
    EXPECT_EQ(pci_->register_flb(driver_), 0);
    marks_.clear();
  }
  LuoSession& session(const std::string& name = "s") {
    LuoSession* session = nullptr;
    EXPECT_EQ(luo_->create_session(name, session), 0);
    return *session;
  }
  std::vector<std::uint64_t> marks_of(pcie::Step step) const {
    std::vector<std::uint64_t> values;
    for (const auto& [marked, value] : marks_) {
      if (marked == step) values.push_back(value);
    }
    return values;
  }
  // Where the FLB's data lies; after freeze.
  PhysicalAddress table() {
    const auto handed = decode_live_update(memory_.dram(), kho_->fdt());
    return handed && handed->flbs.size() == 1 ? PhysicalAddress{handed->flbs[0].data} : PhysicalAddress{0};
  }
  void kexec() {
    EXPECT_EQ(luo_->freeze(), 0);
    table_ = table();
    memory_.jump(kho_->fdt());
    boot();
  }
  void scan() {
    for (const pcie::Bdf function : {kRootPort, kUpstream, kLeftPort, kRightPort, kLeft, kRight}) {
      static_cast<void>(pci_->setup_device(function));
    }
  }
  LuoSession& retrieved(const std::string& name = "s") {
    LuoSession* session = nullptr;
    static_cast<void>(luo_->open());
    EXPECT_EQ(luo_->retrieve_session(name, session), 0);
    return *session;
  }

  testing::Memory memory_;
  std::vector<std::string> console_;
  std::vector<std::pair<pcie::Step, std::uint64_t>> marks_;
  DriverHandler driver_;
  FunctionFile left_{kLeft, {kLeftPort, kUpstream, kRootPort}};
  FunctionFile right_{kRight, {kRightPort, kUpstream, kRootPort}};
  PhysicalAddress table_;
  std::unique_ptr<PageAllocator> pages_;
  std::unique_ptr<Kho> kho_;
  std::unique_ptr<Luo> luo_;
  std::unique_ptr<PciLiveUpdate> pci_;
};

TEST_F(PciLiveUpdateTest, EveryBridgeUpToTheRootIsRecordedWithTheFunction) {
  ASSERT_EQ(session().preserve(&left_, 1), 0);
  EXPECT_TRUE(pci_->is_outgoing(kLeft));
  EXPECT_TRUE(pci_->is_outgoing(kRootPort));
  EXPECT_FALSE(pci_->is_outgoing(kRight));
  EXPECT_FALSE(pci_->is_outgoing(kRightPort));
  ASSERT_EQ(luo_->freeze(), 0);
  const std::vector<HandedPciDevice> expected{{kLeft, 1}, {kLeftPort, 1}, {kUpstream, 1}, {kRootPort, 1}};
  EXPECT_EQ(decode_pci_table(memory_.dram(), table(), PciLayout::VersionedBlocks), expected);
}

TEST_F(PciLiveUpdateTest, SharedBridgesCountTheEndpointsBelowThem) {
  LuoSession& left = session("left");
  ASSERT_EQ(left.preserve(&left_, 1), 0);
  ASSERT_EQ(session("right").preserve(&right_, 2), 0);
  EXPECT_EQ(pci_->outgoing_devices(), 6u);
  left.close();
  EXPECT_TRUE(pci_->is_outgoing(kUpstream)) << "the right function still needs it";
  EXPECT_FALSE(pci_->is_outgoing(kLeftPort));
  ASSERT_EQ(luo_->freeze(), 0);
  const auto devices = decode_pci_table(memory_.dram(), table(), PciLayout::VersionedBlocks).value();
  EXPECT_EQ(devices.size(), 4u);
  for (const HandedPciDevice& device : devices) EXPECT_EQ(device.refcount, 1u);
}

TEST_F(PciLiveUpdateTest, RefusalsHaveTheirErrors) {
  EXPECT_EQ(pci_->preserve(left_.path), ENOENT) << "no file is being preserved";
  PciPath virtual_function = left_.path;
  virtual_function.virtual_function = true;
  EXPECT_EQ(pci_->preserve(virtual_function), EINVAL);
  PciPath quirk = left_.path;
  quirk.acs_quirk = true;
  EXPECT_EQ(pci_->preserve(quirk), EINVAL);
  ASSERT_EQ(session().preserve(&left_, 1), 0);
  EXPECT_EQ(pci_->preserve(left_.path), EBUSY);
  PciLiveUpdate stock(*kho_, *luo_, std::nullopt, nullptr, nullptr, nullptr);
  EXPECT_EQ(stock.preserve(left_.path), EOPNOTSUPP);
  EXPECT_EQ(stock.register_flb(driver_), EOPNOTSUPP);
}

TEST_F(PciLiveUpdateTest, ErrorInTheMiddleOfThePathUndoesWhatWasCounted) {
  LuoSession& s = session();
  ASSERT_EQ(s.preserve(&left_, 1), 0);
  pci_->freeze(kRootPort);
  EXPECT_EQ(s.preserve(&right_, 2), EINVAL) << "after the bridge's shutdown began";
  EXPECT_FALSE(pci_->is_outgoing(kRight));
  EXPECT_FALSE(pci_->is_outgoing(kRightPort));
  EXPECT_EQ(pci_->outgoing_devices(), 4u);
  ASSERT_EQ(luo_->freeze(), 0);
  const auto devices = decode_pci_table(memory_.dram(), table(), PciLayout::VersionedBlocks).value();
  ASSERT_EQ(devices.size(), 4u);
  for (const HandedPciDevice& device : devices) {
    EXPECT_EQ(device.refcount, 1u) << device.bdf.to_string();
  }
}

TEST_F(PciLiveUpdateTest, UnpreserveOfWhatIsNotRecordedWarns) {
  ASSERT_EQ(session().preserve(&left_, 1), 0);
  pci_->unpreserve(right_.path);
  EXPECT_EQ(console_.size(), 1u);
  EXPECT_TRUE(pci_->is_outgoing(kRootPort)) << "the walk stops at once";
}

TEST_F(PciLiveUpdateTest, MarksTellEachFunctionOnce) {
  LuoSession& s = session();
  ASSERT_EQ(s.preserve(&left_, 1), 0);
  ASSERT_EQ(s.preserve(&right_, 2), 0);
  const auto told = marks_of(pcie::Step::FunctionPreserved);
  EXPECT_EQ(told.size(), 6u);
  EXPECT_EQ(told[0], kLeft.requester_id());
}

TEST_F(PciLiveUpdateTest, MarksTellWhereTheOutgoingTableIsAndThatItGoes) {
  LuoSession& s = session();
  ASSERT_EQ(s.preserve(&left_, 1), 0);
  ASSERT_EQ(marks_of(pcie::Step::OutgoingTable).size(), 1u);
  const std::uint64_t place = marks_of(pcie::Step::OutgoingTable)[0];
  const auto layout = static_cast<PciLayout>(place % kPageSize.count());
  const auto devices = decode_pci_table(memory_.dram(), PhysicalAddress{place - place % kPageSize.count()}, layout);
  ASSERT_TRUE(devices.has_value());
  EXPECT_EQ(devices->size(), 4u);
  s.close();
  EXPECT_EQ(marks_of(pcie::Step::FunctionUnpreserved).size(), 4u);
  EXPECT_EQ(marks_of(pcie::Step::OutgoingTable).back(), 0u);
}

TEST_F(PciLiveUpdateTest, TheIncomingTableCountsWhatIsNotFinished) {
  ASSERT_EQ(session("left").preserve(&left_, 1), 0);
  ASSERT_EQ(session("right").preserve(&right_, 2), 0);
  kexec();
  scan();
  EXPECT_EQ(marks_of(pcie::Step::IncomingTable),
            std::vector<std::uint64_t>{table_.raw() | static_cast<std::uint64_t>(PciLayout::VersionedBlocks)});
  EXPECT_EQ(marks_of(pcie::Step::FunctionIncoming).size(), 6u);
  ASSERT_EQ(retrieved("left").finish(), 0);
  const auto left = decode_pci_table(memory_.dram(), table_, PciLayout::VersionedBlocks);
  ASSERT_TRUE(left.has_value()) << "nr_devices and the entries agree";
  EXPECT_EQ(left->size(), 4u);
  ASSERT_EQ(retrieved("right").finish(), 0);
  EXPECT_EQ(marks_of(pcie::Step::IncomingTable).back(), 0u);
}

TEST_F(PciLiveUpdateTest, ColdBootHasNothingIncoming) {
  scan();
  EXPECT_FALSE(pci_->is_incoming(kLeft));
  EXPECT_FALSE(pci_->had_incoming());
}

TEST_F(PciLiveUpdateTest, ScanFindsExactlyWhatWasRecorded) {
  ASSERT_EQ(session().preserve(&left_, 1), 0);
  kexec();
  EXPECT_TRUE(pci_->had_incoming());
  EXPECT_FALSE(pci_->is_incoming(kLeft)) << "not before the scan has seen it";
  scan();
  for (const pcie::Bdf function : {kLeft, kLeftPort, kUpstream, kRootPort}) EXPECT_TRUE(pci_->is_incoming(function));
  for (const pcie::Bdf function : {kRight, kRightPort}) EXPECT_FALSE(pci_->is_incoming(function));
}

TEST_F(PciLiveUpdateTest, FinishEndsItAndSharedBridgesEndWithTheLast) {
  ASSERT_EQ(session("left").preserve(&left_, 1), 0);
  ASSERT_EQ(session("right").preserve(&right_, 2), 0);
  kexec();
  scan();
  ASSERT_EQ(retrieved("left").finish(), 0);
  EXPECT_FALSE(pci_->is_incoming(kLeft));
  EXPECT_FALSE(pci_->is_incoming(kLeftPort));
  EXPECT_TRUE(pci_->is_incoming(kUpstream));
  EXPECT_EQ(marks_of(pcie::Step::FunctionFinished).size(), 2u);
  ASSERT_EQ(retrieved("right").finish(), 0);
  EXPECT_FALSE(pci_->is_incoming(kRootPort));
  EXPECT_TRUE(pci_->had_incoming()) << "for the life of the kernel";
  EXPECT_FALSE(pci_->setup_device(kLeft)) << "hot-plugged again after finish";
}

TEST_F(PciLiveUpdateTest, FunctionThatIsNeverFinishedPanicsAtTheEndOfTheFlb) {
  ASSERT_EQ(session().preserve(&left_, 1), 0);
  kexec();
  scan();
  driver_.forgetful = true;
  LuoSession& s = retrieved();
  EXPECT_THROW(static_cast<void>(s.finish()), Panic);
}

TEST_F(PciLiveUpdateTest, FileOfADriverThatNeverReportedItIsAnEmptyTable) {
  driver_.forgetful = true;
  ASSERT_EQ(session().preserve(&left_, 1), 0);
  kexec();
  scan();
  EXPECT_FALSE(pci_->is_incoming(kLeft));
  EXPECT_FALSE(pci_->had_incoming());
}

TEST_F(PciLiveUpdateTest, TableThatCannotBeUsedPanics) {
  const auto damaged = [this](auto&& damage) {
    memory_ = testing::Memory();
    boot();
    EXPECT_EQ(session().preserve(&left_, 1), 0);
    EXPECT_EQ(luo_->freeze(), 0);
    const PhysicalAddress where = table();
    damage(where.raw(), load<pci_v8::PciSer>(memory_.dram(), where.raw()));
    memory_.jump(kho_->fdt());
    boot();
    try {
      scan();
    } catch (const Panic&) {
      return true;
    }
    return false;
  };
  using pci_v8::PciSer;
  EXPECT_FALSE(damaged([&](std::uint64_t, PciSer) {}));
  EXPECT_TRUE(damaged([&](std::uint64_t at, PciSer ser) {
    ser.version = 2;
    store(memory_.dram(), at, ser);
  })) << "another version";
  EXPECT_TRUE(damaged([&](std::uint64_t at, PciSer ser) {
    ser.devices = 12;
    store(memory_.dram(), at, ser);
  })) << "no block there";
  EXPECT_TRUE(damaged([&](std::uint64_t, PciSer ser) {
    const std::uint64_t first = ser.devices + 16;
    store(memory_.dram(), first + 8, load<pci_v8::PciDevSer>(memory_.dram(), first));
  })) << "a function twice";
}

TEST_F(PciLiveUpdateTest, LostNumbersOfAPreservedBridgeStopEveryBridgeOnItsBus) {
  ASSERT_EQ(session().preserve(&left_, 1), 0);
  kexec();
  scan();
  pci_->note_lost_bus_numbers(kRightPort);
  EXPECT_FALSE(pci_->refuse_bus_numbers(kRightPort)) << "an ordinary bridge is numbered";
  pci_->note_lost_bus_numbers(kLeftPort);
  EXPECT_TRUE(pci_->refuse_bus_numbers(kLeftPort));
  EXPECT_TRUE(pci_->refuse_bus_numbers(kRightPort)) << "it could get the lost numbers";
  EXPECT_FALSE(pci_->refuse_bus_numbers(kRootPort)) << "another bus";
}

TEST_F(PciLiveUpdateTest, FunctionThatGoesAwayWarns) {
  ASSERT_EQ(session().preserve(&left_, 1), 0);
  pci_->cleanup_device(left_.path);
  pci_->cleanup_device(right_.path);
  EXPECT_EQ(console_.size(), 1u);
}

TEST_F(PciLiveUpdateTest, ManyFunctionsCrossBlockBorders) {
  std::vector<std::unique_ptr<FunctionFile>> files;  // outlive LUO, which is dropped at the end
  LuoSession& s = session();
  for (unsigned index = 0; index < 700; ++index) {
    const auto function = pcie::Bdf::from_requester_id(static_cast<pcie::RequesterId>(0x1000 + index));
    files.push_back(std::make_unique<FunctionFile>(function, std::vector<pcie::Bdf>{kRootPort}));
    ASSERT_EQ(s.preserve(files.back().get(), 1000 + index), 0);
  }
  ASSERT_EQ(luo_->freeze(), 0);
  const auto devices = decode_pci_table(memory_.dram(), table(), PciLayout::VersionedBlocks).value();
  EXPECT_EQ(devices.size(), 701u);
  EXPECT_EQ(devices[1], (HandedPciDevice{kRootPort, 700}));
  luo_.reset();
}

TEST_F(PciLiveUpdateTest, ChainOfUpdatesMayKeepAFunctionIncomingAndOutgoing) {
  ASSERT_EQ(session("first").preserve(&left_, 1), 0);
  kexec();
  scan();
  ASSERT_EQ(session("second").preserve(&left_, 1), 0);
  EXPECT_TRUE(pci_->is_incoming(kLeft));
  EXPECT_TRUE(pci_->is_outgoing(kLeft));
  ASSERT_EQ(retrieved("first").finish(), 0);
  EXPECT_TRUE(pci_->is_outgoing(kLeft));
  kexec();
  scan();
  EXPECT_TRUE(pci_->is_incoming(kLeft));
}

// Whatever stands in the table, decoding ends with a value or nothing.
TEST_F(PciLiveUpdateTest, DamagedTablesNeverCrashTheDecoder) {
  ASSERT_EQ(session().preserve(&left_, 1), 0);
  ASSERT_EQ(luo_->freeze(), 0);
  const PhysicalAddress where = table();
  const auto header = load<pci_v8::PciSer>(memory_.dram(), where.raw());
  testing::Sequence random(3);
  unsigned refused = 0;
  for (unsigned round = 0; round < 2000; ++round) {
    const std::uint64_t page = random.below(2) == 0 ? where.raw() : header.devices;
    const std::uint64_t at = page + random.below(6) * 8;
    const auto intact = load<std::uint64_t>(memory_.dram(), at);
    store(memory_.dram(), at, random.next() >> random.below(64));
    refused += decode_pci_table(memory_.dram(), where, PciLayout::VersionedBlocks).has_value() ? 0 : 1;
    store(memory_.dram(), at, intact);
  }
  EXPECT_GT(refused, 500u);
}

}  // namespace
}  // namespace holdover::host::kernel
