// SPDX-License-Identifier: MIT
// The error paths of the PCI core's part, in every version: what a driver, an agent and the scan are told.
#include <gtest/gtest.h>

#include "host/kernel/pci/abi/pci_v3.h"
#include "host/kernel/pci/abi/pci_v4.h"
#include "host/kernel/pci/abi/pci_v8.h"
#include "host/kernel/pci/live_update_policies.h"
#include "tests/unit/host/pci_series_fixture.h"

namespace holdover::host::kernel {
namespace {

using namespace testing;

class PciErrorTable : public EveryPciSeries {
 protected:
  // Where the entry of a function lies in the outgoing table.
  std::size_t entry(pcie::Bdf function) {
    const auto table = read_pci_table(memory_.dram(), PhysicalAddress{handed_.data}, rules_of(GetParam()).layout);
    for (const PciTableEntry& found : table.value().entries) {
      if (found.bdf == function.requester_id()) return found.offset;
    }
    ADD_FAILURE() << function.to_string();
    return 0;
  }
  void hand_over_left(PciSeries next) {
    ASSERT_EQ(session().preserve(&left_, 1), 0);
    kexec(next);
  }
  void retrieve(LuoSession& session, std::uint64_t token) {
    KernelFile* file = nullptr;
    static_cast<void>(session.retrieve(token, file));
  }
};
// What only some versions have.
class PciErrorTableSinceV4 : public PciErrorTable {};
class PciErrorTableSinceV7 : public PciErrorTable {};
class PciErrorTableSinceV8 : public PciErrorTable {};

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

TEST_P(PciErrorTable, FunctionThatGoesAwayIsUndoneUntilV6) {
  ASSERT_EQ(session().preserve(&left_, 1), 0);
  pci_->cleanup_device(left_.path);
  EXPECT_EQ(lines_with("goes away while it is outgoing"), before(PciSeries::V4) ? 0u : 1u);
  const bool undone = in(PciSeries::V4, PciSeries::V6);
  EXPECT_EQ(pci_->outgoing_devices(), undone ? 0u : before(PciSeries::V4) ? 1u : 4u);
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
