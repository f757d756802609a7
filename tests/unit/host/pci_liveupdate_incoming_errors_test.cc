// SPDX-License-Identifier: MIT
// The same on the way in: what the scan, a driver and an agent are told of what a kernel before has left.
#include "tests/unit/host/pci_error_table.h"

namespace holdover::host::kernel {
namespace {

using namespace testing;

TEST_P(PciErrorTable, FinishOfWhatIsNotRecordedWarns) {
  hand_over_left(GetParam());
  scan();
  pci_->finish(right_.path);
  EXPECT_EQ(lines_with("cannot be finished"), 1u);
  EXPECT_TRUE(pci_->is_incoming(kLeft));
  EXPECT_EQ(pci_->is_incoming(kRootPort), since(PciSeries::V4)) << "the walk stops";
}

TEST_P(PciErrorTableSinceV4, FinishWalkThatStopsLeavesCountsAboveSinceV5) {
  hand_over_left(GetParam());
  scan();
  PciPath moved = left_.path;
  moved.bridges[0] = pcie::Bdf{0, 2, 7, 0};
  pci_->finish(moved);
  EXPECT_FALSE(pci_->is_incoming(kLeft));
  EXPECT_EQ(pci_->is_incoming(kRootPort), since(PciSeries::V5));
}

TEST_P(PciErrorTable, NothingIncomingIsANormalBoot) {
  scan();
  EXPECT_FALSE(pci_->is_incoming(kLeft));
  EXPECT_FALSE(pci_->had_incoming());
  EXPECT_TRUE(console_.empty());
}

TEST_P(PciErrorTable, OtherStringIsANormalBootAndAnInfoUntilV7) {
  PciLiveUpdateRules other = rules_of(GetParam());
  other.compatible = GetParam() == PciSeries::V3 ? PciString::V2 : PciString::V1;
  boot(other);
  ASSERT_EQ(session().preserve(&left_, 1), 0);
  kexec(GetParam());
  scan();
  scan();
  EXPECT_FALSE(pci_->is_incoming(kLeft));
  EXPECT_FALSE(pci_->keep_bus_numbers(kRootPort, nullptr, 0));
  EXPECT_EQ(lines_with("has the name"), before(PciSeries::V8) ? 1u : 0u);
}

TEST_P(PciErrorTable, RetrieveFailureIsANormalBootUntilV6AndAPanicSinceV7) {
  ASSERT_EQ(session().preserve(&left_, 1), 0);
  freeze();
  kho_->unpreserve_folio(PhysicalAddress{handed_.data}, 0);
  jump(GetParam());
  EXPECT_EQ(panics([&] { scan(); }), since(PciSeries::V7));
  EXPECT_FALSE(pci_->is_incoming(kLeft));
  if (since(PciSeries::V7)) return;
  EXPECT_EQ(lines_with("goes on as if there were none"), 1u) << "once";
  EXPECT_FALSE(pci_->keep_bus_numbers(kRootPort, nullptr, 0));
}

TEST_P(PciErrorTableSinceV8, OtherVersionPanicsSinceV8) {
  ASSERT_EQ(session().preserve(&left_, 1), 0);
  freeze();
  store(memory_.dram(), handed_.data, std::uint32_t{2});
  jump(GetParam());
  std::uint64_t returned = 0;
  const bool at_once = panics([&] { returned = static_cast<std::uint64_t>(pci_->retrieve(handed_.data)); });
  EXPECT_EQ(at_once, GetParam() == PciSeries::V9);
  EXPECT_EQ(returned, at_once ? 0u : static_cast<std::uint64_t>(EINVAL));
  EXPECT_TRUE(panics([&] { scan(); }));
}

TEST_P(PciErrorTable, DuplicateEntryIsUnnoticedThenAnErrorThenAPanic) {
  LuoSession& s = session();
  ASSERT_EQ(s.preserve(&left_, 1), 0);
  ASSERT_EQ(s.preserve(&right_, 2), 0);
  freeze();
  const auto one = load<std::uint64_t>(memory_.dram(), entry(kLeft));
  store(memory_.dram(), entry(kRight), one);
  jump(GetParam());
  EXPECT_EQ(panics([&] { scan(); }), since(PciSeries::V7));
  EXPECT_EQ(pci_->is_incoming(kLeft), before(PciSeries::V6));
}

TEST_P(PciErrorTable, FunctionThatIsNeverFinishedIsNamedInAPanicSinceV8) {
  hand_over_left(GetParam());
  scan();
  driver_.reports = false;
  LuoSession& s = retrieved();
  retrieve(s, 1);
  std::string reason;
  try {
    static_cast<void>(s.finish());
  } catch (const Panic& panic) {
    reason = panic.what();
  }
  EXPECT_EQ(reason.empty(), before(PciSeries::V8));
  if (since(PciSeries::V8)) {
    for (const pcie::Bdf function : {kLeft, kLeftPort, kUpstream, kRootPort}) {
      EXPECT_NE(reason.find(function.to_string()), std::string::npos) << reason;
    }
  }
}

TEST_P(PciErrorTable, FunctionThatIsNeverFinishedKeepsTheTableFromV4ToV7) {
  hand_over_left(GetParam());
  scan();
  driver_.reports = false;
  LuoSession& s = retrieved();
  const bool panicked = panics([&] { static_cast<void>(s.finish()); });
  EXPECT_EQ(panicked, since(PciSeries::V8));
  if (panicked) return;
  EXPECT_EQ(pci_->incoming_nr_devices() != 0, in(PciSeries::V4, PciSeries::V7)) << "leaked, or given back";
}

TEST_P(PciErrorTable, IncomingFunctionThatGoesAwayIsFinishedUntilV6) {
  hand_over_left(GetParam());
  scan();
  pci_->cleanup_device(left_.path);
  EXPECT_EQ(lines_with("goes away while it is incoming"), before(PciSeries::V4) ? 0u : 1u);
  EXPECT_FALSE(pci_->is_incoming(kLeft));
  EXPECT_EQ(pci_->is_incoming(kRootPort), since(PciSeries::V7));
  EXPECT_EQ(pci_->setup_device(kLeft), !in(PciSeries::V4, PciSeries::V6)) << "plugged again";
}

TEST_P(PciErrorTable, FunctionPluggedAgainAfterFinishIsNotIncoming) {
  LuoSession& both = session();
  ASSERT_EQ(both.preserve(&left_, 1), 0);
  ASSERT_EQ(both.preserve(&right_, 2), 0);
  kexec(GetParam());
  scan();
  pci_->finish(left_.path);
  EXPECT_FALSE(pci_->is_incoming(kLeft)) << "the mark is cleared";
  pci_->cleanup_device(left_.path);
  // v3 clears the mark and leaves the table as it is.
  EXPECT_EQ(pci_->setup_device(kLeft), before(PciSeries::V4));
}

TEST_P(PciErrorTable, RetrieveBeforeTheScanIsEinvalInV3AndEnodevLater) {
  hand_over_left(GetParam());
  EXPECT_EQ(pci_->check_retrieve(kLeft), before(PciSeries::V4) ? EINVAL : ENODEV);
  scan();
  EXPECT_EQ(pci_->check_retrieve(kLeft), 0);
  EXPECT_EQ(pci_->incoming_nr_devices(), before(PciSeries::V4) ? 1u : 4u);
}

TEST_P(PciErrorTable, DriverThatDoesNotAskMayRetrieveBeforeTheScan) {
  hand_over_left(GetParam());
  PciLiveUpdateRules rules = rules_of(GetParam());
  rules.driver_question = PciDriverQuestion::None;
  boot(rules);
  EXPECT_EQ(pci_->check_retrieve(kLeft), 0);
}

}  // namespace
}  // namespace holdover::host::kernel
