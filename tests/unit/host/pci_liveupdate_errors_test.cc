// SPDX-License-Identifier: MIT
// The error paths of the PCI core's part, in every version, on the way out: what a driver and an agent are told.
#include "host/kernel/pci/live_update_policies.h"
#include "tests/unit/host/pci_error_table.h"

namespace holdover::host::kernel {
namespace {

using namespace testing;

TEST_P(PciErrorTable, LiveUpdateOffIsNotSupported) {
  live_update_ = false;
  boot(GetParam());
  EXPECT_EQ(pci_->register_flb(driver_), EOPNOTSUPP);
  EXPECT_EQ(pci_->preserve(left_.path), EOPNOTSUPP);
  scan();
  EXPECT_FALSE(pci_->is_incoming(kLeft)) << "a normal boot";
  EXPECT_FALSE(pci_->keep_bus_numbers(kRootPort, nullptr, 0));
}

TEST_P(PciErrorTable, PreserveWithoutAFileFindsNoTable) { EXPECT_EQ(pci_->preserve(left_.path), ENOENT); }

TEST_P(PciErrorTable, VirtualFunctionIsRefused) {
  left_.path.virtual_function = true;
  EXPECT_EQ(session().preserve(&left_, 1), EINVAL);
}

TEST_P(PciErrorTable, PhysicalFunctionIsRefusedByV3Only) {
  left_.path.physical_function = true;
  EXPECT_EQ(session().preserve(&left_, 1), before(PciSeries::V4) ? EINVAL : 0);
}

TEST_P(PciErrorTable, AcsQuirkIsRefusedSinceV5) {
  left_.path.acs_quirk = true;
  EXPECT_EQ(session().preserve(&left_, 1), since(PciSeries::V5) ? EINVAL : 0);
}

TEST_P(PciErrorTable, SharedIommuGroupIsRefusedByV4Only) {
  left_.path.singleton_group = false;
  EXPECT_EQ(session().preserve(&left_, 1), GetParam() == PciSeries::V4 ? EINVAL : 0);
}

TEST_P(PciErrorTable, EndpointTwiceIsBusy) {
  ASSERT_EQ(session().preserve(&left_, 1), 0);
  EXPECT_EQ(pci_->preserve(left_.path), EBUSY);
  freeze();
  EXPECT_EQ(counts()[kLeft], 1u);
}

TEST_P(PciErrorTable, BridgeAgainIsCountedOnceMore) {
  LuoSession& s = session();
  ASSERT_EQ(s.preserve(&left_, 1), 0);
  ASSERT_EQ(s.preserve(&right_, 2), 0);
  freeze();
  EXPECT_EQ(counts().count(kRootPort), before(PciSeries::V4) ? 0u : 1u) << "v3 records functions alone";
  EXPECT_EQ(counts()[kRootPort], before(PciSeries::V4) ? 0u : 2u);
}

TEST_P(PciErrorTable, BridgeThatADriverNamesAgainIsCountedSinceV5) {
  LuoSession& s = session();
  ASSERT_EQ(s.preserve(&left_, 1), 0);
  FunctionFile& bridge = open_file(kUpstream, {kRootPort});
  bridge.path.bridge = true;
  const bool busy = GetParam() == PciSeries::V4;
  EXPECT_EQ(s.preserve(&bridge, 3), busy ? EBUSY : 0);
  freeze();
  EXPECT_EQ(counts()[kUpstream], since(PciSeries::V5) ? 2u : 1u);
}

TEST_P(PciErrorTable, NoRoomIsE2bigThenEnospcAndNeverInBlocks) {
  present_ = before(PciSeries::V4) ? 1 : 4;
  boot(GetParam());
  LuoSession& s = session();
  ASSERT_EQ(s.preserve(&left_, 1), 0) << "as many as were present";
  present_ = 100;
  const int expected = before(PciSeries::V4) ? E2BIG : before(PciSeries::V7) ? ENOSPC : 0;
  EXPECT_EQ(s.preserve(&right_, 2), expected);
  freeze();
  EXPECT_EQ(counts().count(kRight), expected == 0 ? 1u : 0u);
}

TEST_P(PciErrorTable, RoomThatIsFreeAgainIsUsed) {
  present_ = before(PciSeries::V4) ? 1 : 4;
  boot(GetParam());
  LuoSession& keeper = session("keeper");
  driver_.reports = false;
  ASSERT_EQ(keeper.preserve(&right_, 2), 0) << "a file of another driver keeps the table";
  driver_.reports = true;
  LuoSession& first = session("first");
  ASSERT_EQ(first.preserve(&left_, 1), 0);
  first.close();
  EXPECT_EQ(pci_->outgoing_devices(), 0u);
  EXPECT_EQ(session("second").preserve(&left_, 1), 0);
}

TEST_P(PciErrorTableSinceV7, BlocksRunOutOfMemory) {
  driver_.reports = false;
  ASSERT_EQ(session().preserve(&left_, 1), 0);
  while (pages_->allocate(1, PageState::Kernel)) {
  }
  EXPECT_EQ(pci_->preserve(left_.path), ENOMEM);
  EXPECT_EQ(pci_->outgoing_devices(), 0u);
}

TEST_P(PciErrorTable, PathThatDoesNotEndAtARootBusIsRefusedByV4Only) {
  left_.path.reaches_root = false;
  EXPECT_EQ(session().preserve(&left_, 1), GetParam() == PciSeries::V4 ? EINVAL : 0);
}

TEST_P(PciErrorTable, AfterFreezeNothingChangesSinceV5) {
  LuoSession& s = session();
  ASSERT_EQ(s.preserve(&left_, 1), 0);
  pci_->freeze(kLeft);
  pci_->freeze(kRight);
  EXPECT_EQ(s.preserve(&right_, 2), since(PciSeries::V5) ? EINVAL : 0);
  pci_->unpreserve(left_.path);
  EXPECT_EQ(pci_->is_outgoing(kLeft), since(PciSeries::V5));
}

TEST_P(PciErrorTable, AskingBeforeTheFreezeWarnsOnceSinceV5) {
  ASSERT_EQ(session().preserve(&left_, 1), 0);
  EXPECT_TRUE(pci_->is_outgoing(kLeft));
  EXPECT_FALSE(pci_->is_outgoing(kRight));
  EXPECT_EQ(lines_with("before that is fixed"), since(PciSeries::V5) ? 1u : 0u);
}

TEST_P(PciErrorTableSinceV4, RecordedWithACountOfZeroIsAnInternalError) {
  LuoSession& s = session();
  ASSERT_EQ(s.preserve(&left_, 1), 0);
  freeze();  // LUO is frozen, the PCI core is not
  store(memory_.dram(), entry(kUpstream) + 6, std::uint16_t{0});
  console_.clear();
  // A new entry would take the slot, which looks free in blocks.
  PciPath bridge{kUpstream, {kRootPort}};
  bridge.bridge = true;
  EXPECT_EQ(pci_->preserve(GetParam() == PciSeries::V4 ? right_.path : bridge), EINVAL);
  EXPECT_EQ(lines_with("count of 0"), 1u);
}

TEST_P(PciErrorTableSinceV4, ErrorInTheMiddleOfThePathUndoesWhatWasCounted) {
  present_ = 5;
  boot(GetParam());
  LuoSession& s = session();
  ASSERT_EQ(s.preserve(&left_, 1), 0);
  if (since(PciSeries::V7)) pci_->freeze(kUpstream);  // blocks are never full
  EXPECT_EQ(s.preserve(&right_, 2), since(PciSeries::V7) ? EINVAL : ENOSPC);
  freeze();
  const std::map<pcie::Bdf, unsigned> expected{{kLeft, 1}, {kLeftPort, 1}, {kUpstream, 1}, {kRootPort, 1}};
  EXPECT_EQ(counts(), expected);
}

TEST_P(PciErrorTable, UnpreserveOfWhatIsNotRecordedWarns) {
  ASSERT_EQ(session().preserve(&left_, 1), 0);
  pci_->unpreserve(right_.path);
  EXPECT_GE(lines_with("not recorded"), 1u);
  EXPECT_TRUE(pci_->is_outgoing(kLeft));
}

TEST_P(PciErrorTableSinceV4, UnpreserveWalkStopsAtAMissingFunctionSinceV5) {
  LuoSession& s = session();
  ASSERT_EQ(s.preserve(&left_, 1), 0);
  ASSERT_EQ(s.preserve(&right_, 2), 0);
  PciPath moved = left_.path;
  moved.bridges[0] = pcie::Bdf{0, 2, 7, 0};  // a port that nobody recorded
  pci_->unpreserve(moved);
  freeze();
  EXPECT_EQ(counts().count(kLeft), 0u);
  EXPECT_EQ(counts()[kRootPort], since(PciSeries::V5) ? 2u : 1u) << "H005: what is above keeps its count";
}

TEST_P(PciErrorTable, TableThatGoesAwayWithFunctionsInItWarns) {
  driver_.reports = false;
  LuoSession& s = session();
  ASSERT_EQ(s.preserve(&right_, 2), 0);
  ASSERT_EQ(pci_->preserve(left_.path), 0);
  std::uint64_t data = 0;
  static_cast<void>(data);
  console_.clear();
  static_cast<Flb&>(*pci_).unpreserve(0);
  EXPECT_EQ(lines_with("goes away while functions are recorded"), 1u);
  EXPECT_EQ(static_cast<Flb&>(*pci_).preserve(data), 0) << "for the session's end";
}

TEST_P(PciErrorTable, FunctionThatGoesAwayIsUndoneUntilV6) {
  ASSERT_EQ(session().preserve(&left_, 1), 0);
  pci_->cleanup_device(left_.path);
  EXPECT_EQ(lines_with("goes away while it is outgoing"), before(PciSeries::V4) ? 0u : 1u);
  const bool undone = in(PciSeries::V4, PciSeries::V6);
  EXPECT_EQ(pci_->outgoing_devices(), undone ? 0u : before(PciSeries::V4) ? 1u : 4u);
}

// Any one rule of another version in this one: an update of two functions ends, one way or the other.
TEST_P(PciErrorTable, EachRuleCanBeChangedAlone) {
  for (const Policy& rule : pci_live_update_policies()) {
    for (std::size_t value = 0; value < rule.values.size(); ++value) {
      SCOPED_TRACE(std::string(rule.name) + "=" + std::string(rule.values[value].name));
      Policies policies;
      policies.pci_rules = rules_of(GetParam());
      rule.set(policies, value);
      memory_ = Memory();
      boot(policies.pci_rules);
      EXPECT_EQ(session("left").preserve(&left_, 1), 0);
      EXPECT_EQ(session("right").preserve(&right_, 2), 0);
      freeze();
      memory_.jump(kho_->fdt());
      boot(policies.pci_rules);
      static_cast<void>(panics([&] {
        scan();
        for (const char* name : {"left", "right"}) {
          LuoSession& s = retrieved(name);
          retrieve(s, name == std::string("left") ? 1 : 2);
          static_cast<void>(s.finish());
        }
        EXPECT_FALSE(pci_->is_incoming(kLeft) || pci_->is_incoming(kRight));
      }));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, PciErrorTable, ::testing::ValuesIn(kEverySeries), series_name);
INSTANTIATE_TEST_SUITE_P(, PciErrorTableSinceV4, ::testing::ValuesIn(series(PciSeries::V4, PciSeries::V9)),
                         series_name);
INSTANTIATE_TEST_SUITE_P(, PciErrorTableSinceV7, ::testing::ValuesIn(series(PciSeries::V7, PciSeries::V9)),
                         series_name);
INSTANTIATE_TEST_SUITE_P(, PciErrorTableSinceV8, ::testing::ValuesIn(series(PciSeries::V8, PciSeries::V9)),
                         series_name);

}  // namespace
}  // namespace holdover::host::kernel
