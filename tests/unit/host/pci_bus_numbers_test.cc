// SPDX-License-Identifier: MIT
// Bus numbers, ACS and ARI under an incoming tree, in every version: the scan over configuration spaces, with the table
// of a kernel before it.
#include <gtest/gtest.h>

#include "host/kernel/pci/acs.h"
#include "host/kernel/pci/function_reset.h"
#include "host/kernel/pci/path.h"
#include "host/kernel/pci/pci_bus.h"
#include "pcie/config_space.h"
#include "tests/support/fake_platform.h"
#include "tests/unit/host/pci_series_fixture.h"

namespace holdover::host::kernel {
namespace {

using namespace pcie::config;
using namespace testing;
using holdover::testing::FakeFunction;
using holdover::testing::FakePlatform;

constexpr unsigned kAcs = 0x100;
constexpr unsigned kAri = 0x140;
constexpr unsigned kSriov = 0x180;

// Root port 00:01.0 with a switch: 01:00.0, ports 02:00.0 and 02:01.0, endpoints 03:00.0 and 04:00.0; root port 00:02.0
// with nothing below it.
class PciScan : public EveryPciSeries {
 protected:
  PciScan() {
    policies_.pci = GetParam();
    policies_.pci_rules = rules_of(GetParam());
    Policies cold;
    cold.pci_rules = rules_of(PciSeries::None);
    PciBus bus(platform_, cold, nullptr, 31u, pcie::Phase::Boot);
    bus.scan();
    platform_.writes.clear();
  }

  void hand_left_over() {
    ASSERT_EQ(session().preserve(&left_, 1), 0);
    kexec(GetParam());
  }
  std::unique_ptr<PciBus> scan() {
    auto bus = std::make_unique<PciBus>(platform_, policies_, pci_.get(), 31u, pcie::Phase::Enumerate);
    bus->scan();
    return bus;
  }
  void finish() {
    LuoSession& s = retrieved();
    KernelFile* file = nullptr;
    EXPECT_EQ(s.retrieve(1, file), 0);
    EXPECT_EQ(s.finish(), 0);
  }
  static std::vector<unsigned> numbers(const FakeFunction& bridge) {
    return {bridge.get(kPrimaryBus, 1), bridge.get(kSecondaryBus, 1), bridge.get(kSubordinateBus, 1)};
  }
  static void lose(FakeFunction& bridge) { bridge.set(kPrimaryBus, 4, 0); }
  static void give_acs(FakeFunction& function) {
    function.set(kAcs, 4, 0x0001'0000u | kExtCapAcs);
    function.set(kAcs + kAcsCapability, 2, 0x005f);
    function.writable[kAcs + kAcsControl] = 0x7f;
  }
  unsigned writes_to(const std::string& function, unsigned offset) const {
    unsigned count = 0;
    for (const auto& write : platform_.writes) count += write.function == function && write.offset == offset ? 1 : 0;
    return count;
  }

  FakePlatform platform_;
  Policies policies_;
  FakeFunction& root_ = platform_.add(nullptr, 1, FakeFunction::bridge("root port", kPortTypeRootPort));
  FakeFunction& empty_ = platform_.add(nullptr, 2, FakeFunction::bridge("empty port", kPortTypeRootPort));
  FakeFunction& up_ = platform_.add(&root_, 0, FakeFunction::bridge("upstream port", kPortTypeSwitchUpstream));
  FakeFunction& down0_ = platform_.add(&up_, 0, FakeFunction::bridge("port 0", kPortTypeSwitchDownstream));
  FakeFunction& down1_ = platform_.add(&up_, 1, FakeFunction::bridge("port 1", kPortTypeSwitchDownstream));
  FakeFunction& end0_ = platform_.add(&down0_, 0, FakeFunction::endpoint("endpoint 0"));
  FakeFunction& end1_ = platform_.add(&down1_, 0, FakeFunction::endpoint("endpoint 1"));
};

class PciBusNumbersByVersion : public PciScan {};

TEST_P(PciBusNumbersByVersion, AssignBussesIsIgnoredWhileAFunctionIsIncoming) {
  policies_.bus_numbers = BusNumbers::Reassign;
  hand_left_over();
  const auto bus = scan();
  EXPECT_EQ(numbers(root_), (std::vector<unsigned>{0, 1, 4}));
  EXPECT_EQ(numbers(empty_), (std::vector<unsigned>{0, 5, 5})) << "on every bridge of the system";
  EXPECT_NE(bus->find(kLeft), nullptr);
  EXPECT_EQ(writes_to("root port", kPrimaryBus), 0u);
}

TEST_P(PciBusNumbersByVersion, AssignBussesIsObeyedWhenNothingCameIn) {
  policies_.bus_numbers = BusNumbers::Reassign;
  const auto bus = scan();
  EXPECT_EQ(numbers(root_), (std::vector<unsigned>{0, 6, 9}));
  EXPECT_EQ(bus->find(kLeft), nullptr);
}

TEST_P(PciBusNumbersByVersion, HazardH041RenumbersWhoeverWasHandedOver) {
  policies_.mistakes.bridges_renumbered = true;
  hand_left_over();
  (void)scan();
  EXPECT_EQ(numbers(root_), (std::vector<unsigned>{0, 6, 9}));
}

// H047: an administrator rescans when the update is over.
TEST_P(PciBusNumbersByVersion, RescanAfterFinishRenumbersButForV4AndV9) {
  policies_.bus_numbers = BusNumbers::Reassign;
  hand_left_over();
  const auto bus = scan();
  finish();
  bus->rescan();
  const bool kept = GetParam() == PciSeries::V4 || GetParam() == PciSeries::V9;
  EXPECT_EQ(numbers(root_), kept ? (std::vector<unsigned>{0, 1, 4}) : (std::vector<unsigned>{0, 6, 9}));
  EXPECT_EQ(bus->find(pcie::Bdf{0, 8, 0, 0}) != nullptr, !kept) << "the running function at another address";
}

TEST_P(PciBusNumbersByVersion, RescanBeforeFinishKeepsThem) {
  policies_.bus_numbers = BusNumbers::Reassign;
  hand_left_over();
  const auto bus = scan();
  bus->rescan();
  EXPECT_EQ(numbers(root_), (std::vector<unsigned>{0, 1, 4}));
  EXPECT_EQ(numbers(down1_), (std::vector<unsigned>{2, 4, 4}));
}

TEST_P(PciBusNumbersByVersion, RescanFindsWhatWasPluggedInSince) {
  hand_left_over();
  const auto bus = scan();
  platform_.add(&empty_, 0, FakeFunction::endpoint("late endpoint"));
  bus->rescan();
  ASSERT_NE(bus->find(pcie::Bdf{0, 5, 0, 0}), nullptr);
  unsigned functions = 0;
  bus->for_each([&](const PciDevice&) { ++functions; });
  EXPECT_EQ(functions, 8u) << "each once";
}

TEST_P(PciBusNumbersByVersion, OutgoingFunctionsAloneKeepNumbersInV5Only) {
  policies_.bus_numbers = BusNumbers::Reassign;
  ASSERT_EQ(session().preserve(&left_, 1), 0);
  (void)scan();
  EXPECT_EQ(numbers(root_)[1], GetParam() == PciSeries::V5 ? 1u : 6u);
}

TEST_P(PciBusNumbersByVersion, BridgeBelowOneThatKeepsItsNumbersKeepsThemToo) {
  hand_left_over();
  pci_->setup_device(kRootPort);
  pci_->setup_device(kUpstream);
  pci_->setup_device(kLeft);
  ASSERT_TRUE(pci_->keep_bus_numbers(kRootPort, nullptr, 0));
  ASSERT_EQ(pci_->check_retrieve(kLeft), 0);
  pci_->setup_device(kLeftPort);
  pci_->finish(left_.path);  // between the passes
  const bool per_scan = in(PciSeries::V6, PciSeries::V8);
  const bool kept = pci_->keep_bus_numbers(kUpstream, &kRootPort, 0);
  if (per_scan) {
    EXPECT_TRUE(kept) << "the bridge above cannot grow any more";
    EXPECT_TRUE(pci_->keep_bus_numbers(kRootPort, nullptr, 1)) << "pass 1 goes by pass 0";
    pci_->end_bridge_scan(kUpstream);
    pci_->end_bridge_scan(kRootPort);
    EXPECT_FALSE(pci_->keep_bus_numbers(kRootPort, nullptr, 0)) << "asked anew by the next scan";
  } else {
    // v3 leaves its table as it is until the last file is finished, and so does v5.
    EXPECT_TRUE(kept);
  }
}

TEST_P(PciBusNumbersByVersion, IncomingBridgeThatLostItsNumbers) {
  hand_left_over();
  lose(down0_);
  const auto bus = scan();
  EXPECT_EQ(numbers(down0_), (std::vector<unsigned>{0, 0, 0})) << "refused, or no number is left below the switch";
  EXPECT_EQ(writes_to("port 0", kPrimaryBus), since(PciSeries::V9) ? 0u : 1u) << "invalid numbers are cleared";
  EXPECT_EQ(bus->find(kLeft), nullptr) << "nothing below is enumerated";
  EXPECT_NE(bus->find(kRight), nullptr);
}

TEST_P(PciBusNumbersByVersion, RootPortThatLostItsNumbersIsNumberedByV3Only) {
  hand_left_over();
  lose(root_);
  (void)scan();
  EXPECT_EQ(numbers(root_)[1], before(PciSeries::V4) ? 6u : 0u);
}

TEST_P(PciBusNumbersByVersion, NeighbourOfABridgeThatLostItsNumbersGetsNone) {
  hand_left_over();
  lose(root_);
  lose(empty_);
  (void)scan();
  EXPECT_EQ(numbers(empty_)[1] != 0, before(PciSeries::V4)) << "it could get the lost numbers";
  EXPECT_EQ(lines_with("is given none"), before(PciSeries::V4) ? 0u : 2u);
}

TEST_P(PciBusNumbersByVersion, OrdinaryBridgeWithoutNumbersIsRefusedFromV4ToV8) {
  hand_left_over();
  lose(empty_);
  platform_.add(&empty_, 0, FakeFunction::endpoint("late endpoint"));
  const auto bus = scan();
  const bool refused = in(PciSeries::V4, PciSeries::V8);
  EXPECT_EQ(numbers(empty_), refused ? (std::vector<unsigned>{0, 0, 0}) : (std::vector<unsigned>{0, 5, 5}));
  EXPECT_EQ(bus->find(pcie::Bdf{0, 5, 0, 0}) == nullptr, refused) << "above all claimed numbers";
  EXPECT_EQ(lines_with("is given none"), refused ? 1u : 0u);
}

TEST_P(PciBusNumbersByVersion, BrokenNumbersAreClearedInPassZeroUntilV8) {
  hand_left_over();
  root_.set(kSecondaryBus, 1, 0);  // subordinate without secondary
  (void)scan();
  EXPECT_EQ(numbers(root_)[2], before(PciSeries::V4)  ? numbers(root_)[1] + 3
                               : since(PciSeries::V9) ? 4u
                                                      : 0u)
      << "v9 leaves an incoming bridge alone";
}

INSTANTIATE_TEST_SUITE_P(, PciBusNumbersByVersion, ::testing::ValuesIn(kEverySeries), series_name);

class PciAcsByVersion : public PciScan {
 protected:
  PciAcsByVersion() {
    give_acs(down0_);
    down0_.set(kAcs + kAcsControl, 2, 0x0050);  // what no kernel here programs by itself
  }
  [[nodiscard]] unsigned control() const { return down0_.get(kAcs + kAcsControl, 2); }
  static constexpr unsigned kFound = 0x0050;
  static constexpr unsigned kProgrammed = kFound | kAcsIsolation;
};

TEST_P(PciAcsByVersion, IncomingFunctionKeepsItsControlSinceV4) {
  hand_left_over();
  const auto bus = scan();
  platform_.writes.clear();
  enable_acs(*bus->find(kLeftPort), policies_);
  EXPECT_EQ(control(), before(PciSeries::V4) ? kProgrammed : kFound);
  EXPECT_EQ(writes_to("port 0", kAcs + kAcsControl), GetParam() == PciSeries::V4 ? 0u : 1u);
}

TEST_P(PciAcsByVersion, AfterFinishItIsKeptForLifeSinceV5) {
  hand_left_over();
  const auto bus = scan();
  finish();
  enable_acs(*bus->find(kLeftPort), policies_);
  EXPECT_EQ(control(), before(PciSeries::V5) ? kProgrammed : kFound);
}

TEST_P(PciAcsByVersion, OrdinaryFunctionIsProgrammed) {
  const auto bus = scan();
  enable_acs(*bus->find(kLeftPort), policies_);
  EXPECT_EQ(control(), kProgrammed) << "what firmware left stays";
}

// FLR of an endpoint with ACS, as functions of multifunction devices have it.
TEST_P(PciAcsByVersion, ResetLosesItInV4Only) {
  give_acs(end0_);
  end0_.set(kAcs + kAcsControl, 2, kFound);
  hand_left_over();
  const auto bus = scan();
  platform_.on_reset = [](FakeFunction& function) { function.set(kAcs + kAcsControl, 2, 0); };
  ASSERT_EQ(reset_function(platform_, policies_, *bus->find(kLeft)), 0);
  const unsigned expected = before(PciSeries::V4) ? unsigned{kAcsIsolation} : before(PciSeries::V5) ? 0u : kFound;
  EXPECT_EQ(end0_.get(kAcs + kAcsControl, 2), expected);
}

TEST_P(PciAcsByVersion, ResetOfAnOrdinaryFunctionRestoresWhatStoodThereSinceV9) {
  give_acs(end1_);
  const auto bus = scan();
  end1_.set(kAcs + kAcsControl, 2, 0x0040);
  platform_.on_reset = [](FakeFunction& function) { function.set(kAcs + kAcsControl, 2, 0); };
  ASSERT_EQ(reset_function(platform_, policies_, *bus->find(kRight)), 0);
  EXPECT_EQ(end1_.get(kAcs + kAcsControl, 2), since(PciSeries::V9) ? 0x0040u : unsigned{kAcsIsolation});
}

TEST_P(PciAcsByVersion, QuirkThatOnlyTheNewKernelKnowsFallsBackWithAWarning) {
  hand_left_over();
  give_acs(root_);
  root_.set(kAcs + kAcsControl, 2, kFound);
  root_.set(kVendorId, 4, 0xa110'8086);
  const auto bus = scan();
  PciDevice& root = *bus->find(kRootPort);
  ASSERT_TRUE(needs_acs_quirk(root));
  EXPECT_TRUE(path_to(*bus->find(kLeft)).acs_quirk) << "and so is every path through it";
  enable_acs(root, policies_);
  const bool skipped = GetParam() == PciSeries::V4;
  EXPECT_EQ(root_.get(kAcs + kAcsControl, 2), skipped ? kFound : kProgrammed);
  EXPECT_EQ(lines_with("needs a quirk for ACS"), since(PciSeries::V5) ? 1u : 0u);
}

TEST_P(PciAcsByVersion, GroupIsOneFunctionWhereEveryPortAboveIsolates) {
  give_acs(root_);
  give_acs(down1_);
  const auto bus = scan();
  for (const pcie::Bdf port : {kRootPort, kLeftPort}) enable_acs(*bus->find(port), policies_);
  EXPECT_TRUE(path_to(*bus->find(kLeft)).singleton_group);
  EXPECT_FALSE(path_to(*bus->find(kRight)).singleton_group) << "its port isolates nothing yet";
}

TEST_P(PciAcsByVersion, PathIsReadFromConfigurationSpace) {
  end0_.set(kSriov, 4, 0x0001'0000u | kExtCapSriov);
  end0_.set(0x100, 4, kSriov << 20 | 0x0001'0000u | kExtCapSerialNumber);
  const auto bus = scan();
  const PciPath path = path_to(*bus->find(kLeft));
  EXPECT_TRUE(path.physical_function);
  EXPECT_FALSE(path.bridge || path.virtual_function || path.acs_quirk);
  EXPECT_TRUE(path.reaches_root);
  EXPECT_EQ(path.bridges, left_.path.bridges);
  EXPECT_FALSE(path_to(*bus->find(kRight)).physical_function);
  EXPECT_TRUE(path_to(*bus->find(kUpstream)).bridge);
}

INSTANTIATE_TEST_SUITE_P(, PciAcsByVersion, ::testing::ValuesIn(kEverySeries), series_name);

class PciAriByVersion : public PciScan {
 protected:
  static constexpr unsigned kControl2 = FakeFunction::kExpress + kExpressDeviceControl2;
  PciAriByVersion() {
    down0_.set(FakeFunction::kExpress + kExpressDeviceCapabilities2, 4, kDeviceCapabilities2Ari);
    down0_.writable[kControl2] = kDeviceControl2Ari;
  }
  [[nodiscard]] bool forwards() const { return (down0_.get(kControl2, 2) & kDeviceControl2Ari) != 0; }
};

TEST_P(PciAriByVersion, OrdinaryBridgeForwardsWhereTheFunctionBelowHasAri) {
  (void)scan();
  EXPECT_FALSE(forwards());
  end0_.set(kAri - 0x40, 4, 0x0001'0000u | kExtCapAri);
  const auto bus = scan();
  EXPECT_TRUE(forwards());
  EXPECT_TRUE(bus->find(kLeftPort)->ari_enabled);
}

TEST_P(PciAriByVersion, IncomingBridgeIsBelievedSinceV4) {
  down0_.set(kControl2, 2, kDeviceControl2Ari);  // the function below has no ARI capability, as far as this kernel sees
  hand_left_over();
  const auto bus = scan();
  EXPECT_EQ(forwards(), since(PciSeries::V4));
  EXPECT_EQ(bus->find(kLeftPort)->ari_enabled, since(PciSeries::V4));
  EXPECT_EQ(writes_to("port 0", kControl2), before(PciSeries::V4) ? 1u : 0u);
}

TEST_P(PciAriByVersion, IncomingBridgeIsBelievedWithAriOffAsWell) {
  policies_.ari = Ari::Off;
  down0_.set(kControl2, 2, kDeviceControl2Ari);
  hand_left_over();
  const auto bus = scan();
  EXPECT_TRUE(forwards());
  EXPECT_EQ(bus->find(kLeftPort)->ari_enabled, since(PciSeries::V4));
}

INSTANTIATE_TEST_SUITE_P(, PciAriByVersion, ::testing::ValuesIn(kEverySeries), series_name);

}  // namespace
}  // namespace holdover::host::kernel
