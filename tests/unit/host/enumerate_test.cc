// SPDX-License-Identifier: MIT
// The scan and the assignment of resources against a tree of configuration spaces.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "host/kernel/pci/pci_bus.h"
#include "host/kernel/pci/resources.h"
#include "host/kernel/pci/setup_device.h"
#include "pcie/config_space.h"
#include "tests/support/fake_platform.h"

namespace holdover::host::kernel {
namespace {

using namespace pcie::config;
using testing::FakeFunction;

class Enumerate : public ::testing::Test {
 protected:
  testing::FakePlatform platform_;
  Policies policies_;
  FakeFunction& root_ = platform_.add(nullptr, 1, FakeFunction::bridge("root port", kPortTypeRootPort));
  FakeFunction& empty_ = platform_.add(nullptr, 2, FakeFunction::bridge("empty port", kPortTypeRootPort));
  FakeFunction& up_ = platform_.add(&root_, 0, FakeFunction::bridge("upstream port", kPortTypeSwitchUpstream));
  FakeFunction& down0_ = platform_.add(&up_, 0, FakeFunction::bridge("port 0", kPortTypeSwitchDownstream));
  FakeFunction& down1_ = platform_.add(&up_, 1, FakeFunction::bridge("port 1", kPortTypeSwitchDownstream));
  FakeFunction& end0_ = platform_.add(&down0_, 0, FakeFunction::endpoint("endpoint 0"));
  FakeFunction& end1_ = platform_.add(&down1_, 0, FakeFunction::endpoint("endpoint 1"));

  std::unique_ptr<PciBus> scan() {
    auto bus = std::make_unique<PciBus>(platform_, policies_, nullptr, 31u, pcie::Phase::Boot);
    bus->scan();
    return bus;
  }
  std::unique_ptr<PciBus> boot() {
    auto bus = scan();
    assign_resources(*bus, HostWindows{AddressRange(BusAddress{0xe000'0000}, Bytes{0x1000'0000}),
                                       AddressRange(BusAddress{0x80'0000'0000}, Bytes{0x10'0000'0000})});
    bus->for_each([](PciDevice& device) {
      if (!device.express_port()) return;
      enable_device(device);
      set_bus_master(device, true);
    });
    return bus;
  }
  static std::vector<unsigned> numbers(const FakeFunction& bridge) {
    return {bridge.get(kPrimaryBus, 1), bridge.get(kSecondaryBus, 1), bridge.get(kSubordinateBus, 1)};
  }
  std::vector<std::string> written_to(const std::string& function) const {
    std::vector<std::string> list;
    for (const auto& write : platform_.writes) {
      if (write.function != function) continue;
      char text[32];
      std::snprintf(text, sizeof text, "%02x/%u=%x", write.offset, write.size, write.value);
      list.emplace_back(text);
    }
    return list;
  }
};

TEST_F(Enumerate, NumbersAnUnconfiguredTreeDepthFirst) {
  const auto bus = scan();
  EXPECT_EQ(numbers(root_), (std::vector<unsigned>{0, 1, 4}));
  EXPECT_EQ(numbers(up_), (std::vector<unsigned>{1, 2, 4}));
  EXPECT_EQ(numbers(down0_), (std::vector<unsigned>{2, 3, 3}));
  EXPECT_EQ(numbers(down1_), (std::vector<unsigned>{2, 4, 4}));
  EXPECT_EQ(numbers(empty_), (std::vector<unsigned>{0, 5, 5}));
  ASSERT_NE(bus->find(pcie::Bdf{0, 3, 0, 0}), nullptr);
  EXPECT_EQ(bus->find(pcie::Bdf{0, 4, 0, 0})->upstream->bdf, (pcie::Bdf{0, 2, 1, 0}));
}

TEST_F(Enumerate, KeepsTheNumbersOfAConfiguredTree) {
  (void)scan();
  platform_.writes.clear();
  (void)scan();
  for (const auto& write : platform_.writes) {
    EXPECT_FALSE(write.offset >= kPrimaryBus && write.offset <= kSubordinateBus && write.function != "endpoint 0" &&
                 write.function != "endpoint 1")
        << write.function;
  }
  EXPECT_EQ(numbers(root_), (std::vector<unsigned>{0, 1, 4}));
}

TEST_F(Enumerate, ReassignTakesNumbersAwayAndHandsOutOthers) {
  (void)scan();
  policies_.bus_numbers = BusNumbers::Reassign;
  const auto bus = scan();
  EXPECT_EQ(numbers(root_), (std::vector<unsigned>{0, 6, 9}));
  EXPECT_EQ(bus->find(pcie::Bdf{0, 3, 0, 0}), nullptr);
  EXPECT_NE(bus->find(pcie::Bdf{0, 8, 0, 0}), nullptr);
}

TEST_F(Enumerate, ABridgeWithBrokenNumbersIsNumberedAnewAboveTheOthers) {
  (void)scan();
  down0_.set(kSecondaryBus, 1, 1);  // not above its primary bus
  const auto bus = scan();
  EXPECT_EQ(numbers(down1_), (std::vector<unsigned>{2, 4, 4}));
  EXPECT_EQ(numbers(down0_), (std::vector<unsigned>{0, 0, 0})) << "no number is left below the switch";
  EXPECT_EQ(bus->find(pcie::Bdf{0, 3, 0, 0}), nullptr);
}

TEST_F(Enumerate, SizesBarsAndWritesThemBack) {
  end0_.set(kBar0, 4, 0xe120'0000);
  const auto bus = scan();
  const PciDevice* device = bus->find(pcie::Bdf{0, 3, 0, 0});
  EXPECT_EQ(device->bars[0].size, 64_KiB);
  EXPECT_FALSE(device->bars[0].wide);
  EXPECT_EQ(device->bars[2].size, 64_KiB);
  EXPECT_TRUE(device->bars[2].wide && device->bars[2].prefetchable);
  EXPECT_EQ(device->bars[3].size, 0_B);
  EXPECT_EQ(end0_.get(kBar0, 4), 0xe120'0000u);
}

TEST_F(Enumerate, AForgottenWriteBackLeavesAllOnesInBarZero) {
  end0_.set(kBar0, 4, 0xe120'0000);
  policies_.mistakes.bar_restore_lost = true;
  (void)scan();
  EXPECT_EQ(end0_.get(kBar0, 4), 0xffff'0000u);
}

TEST_F(Enumerate, ALiveEndpointSeesTheWritesOfAStockKernelInOrder) {
  (void)boot();
  end0_.set(kCommand, 2, 0x0406);
  end0_.set(FakeFunction::kMsix + kMsixControl, 2, 0x8007);
  platform_.writes.clear();
  (void)boot();
  const std::vector<std::string> expected{
      "04/2=6",        "04/2=406",                                   // INTx Disable inverted and restored
      "04/2=404",                                                    // decoding off
      "10/4=ffffffff", "10/4=e0000000",                              // BAR 0
      "14/4=ffffffff", "14/4=0",                                     // BAR 1, not there
      "18/4=ffffffff", "18/4=c",        "1c/4=ffffffff", "1c/4=80",  // BAR 2, 64 bits
      "20/4=ffffffff", "20/4=0",        "24/4=ffffffff", "24/4=0",  "30/4=fffff800", "30/4=0",  // ROM
      "04/2=406",                                                                               // decoding on
      "70/2=0",     // Read Completion Boundary
      "52/2=7",     // MSI-X off
      "44/2=8008",  // PME
  };
  EXPECT_EQ(written_to("endpoint 0"), expected);
}

TEST_F(Enumerate, BusMasteringIsNeverTouchedByTheScan) {
  (void)boot();
  end0_.set(kCommand, 2, 0x0406);
  platform_.writes.clear();
  (void)boot();
  for (const auto& write : platform_.writes) {
    if (write.offset == kCommand && write.function != "endpoint 1") {
      EXPECT_NE(write.value & kCommandBusMaster, 0u) << write.function;
    }
  }
}

TEST_F(Enumerate, BridgeControlIsPokedAndRestored) {
  root_.set(kBridgeControl, 2, kBridgeControlMasterAbort | 3);
  (void)scan();
  EXPECT_EQ(root_.get(kBridgeControl, 2), unsigned{kBridgeControlMasterAbort} | 3u);
}

TEST_F(Enumerate, MaxPayloadFollowsTheBridgeAbove) {
  const unsigned control = FakeFunction::kExpress + kExpressDeviceControl;
  root_.set(control, 2, 1u << 5);
  (void)scan();
  for (const FakeFunction* function : {&up_, &down0_, &end0_, &end1_}) {
    EXPECT_EQ((function->get(control, 2) & kDeviceControlMaxPayload) >> 5, 1u) << function->name;
  }
  platform_.writes.clear();
  (void)scan();
  for (const auto& write : platform_.writes) EXPECT_NE(write.offset, control) << write.function;
}

TEST_F(Enumerate, ARootPortComesDownToWhatTheFunctionBelowSupports) {
  const unsigned control = FakeFunction::kExpress + kExpressDeviceControl;
  root_.set(control, 2, 3u << 5);
  (void)scan();
  EXPECT_EQ((root_.get(control, 2) & kDeviceControlMaxPayload) >> 5, 1u);
  EXPECT_EQ((end0_.get(control, 2) & kDeviceControlMaxPayload) >> 5, 1u);
}

TEST_F(Enumerate, AssignsBarsInsideTheWindowsOfEveryBridgeAbove) {
  const auto bus = boot();
  const PciDevice* first = bus->find(pcie::Bdf{0, 3, 0, 0});
  const PciDevice* second = bus->find(pcie::Bdf{0, 4, 0, 0});
  EXPECT_EQ(end0_.bar(0), first->bars[0].address.raw());
  EXPECT_EQ(end0_.bar(2), first->bars[2].address.raw());
  EXPECT_NE(first->bars[0].address, second->bars[0].address);
  for (const PciDevice* device : {first, second}) {
    for (const PciDevice* above = device->upstream; above != nullptr; above = above->upstream) {
      const auto inside = [](const Window& window, const Bar& bar) {
        return bar.address >= window.base && bar.address + bar.size <= window.base + window.size;
      };
      EXPECT_TRUE(inside(above->memory_window, device->bars[0])) << above->bdf.to_string();
      EXPECT_TRUE(inside(above->prefetch_window, device->bars[2])) << above->bdf.to_string();
    }
  }
  EXPECT_GE(first->bars[2].address.raw(), 0x80'0000'0000u);
  EXPECT_EQ(empty_.get(kMemoryBase, 4), 0x0000'fff0u);  // nothing below: closed
}

TEST_F(Enumerate, ASoundConfigurationIsKeptAsItIs) {
  (void)boot();
  const std::uint64_t before = end1_.bar(0);
  const std::uint32_t window = down1_.get(kMemoryBase, 4);
  const std::uint32_t upper = down1_.get(kPrefetchBaseUpper, 4);
  (void)boot();
  EXPECT_EQ(end1_.bar(0), before);
  EXPECT_EQ(down1_.get(kMemoryBase, 4), window);
  EXPECT_EQ(down1_.get(kPrefetchBaseUpper, 4), upper);
  EXPECT_EQ(upper, 0x80u);
}

TEST_F(Enumerate, AnOverlappingBarIsMoved) {
  (void)boot();
  end1_.set(kBar0, 4, static_cast<std::uint32_t>(end0_.bar(0)));
  (void)boot();
  EXPECT_NE(end1_.bar(0), end0_.bar(0));
}

TEST(AddressRange, PlacesAtTheLowestAlignedFreeAddress) {
  AddressRange range(BusAddress{0x1000}, Bytes{0x10000});
  EXPECT_TRUE(range.take(BusAddress{0x2000}, Bytes{0x1000}));
  EXPECT_FALSE(range.take(BusAddress{0x2800}, Bytes{0x1000}));
  EXPECT_FALSE(range.take(BusAddress{0x10800}, Bytes{0x1000}));
  EXPECT_EQ(range.place(Bytes{0x1000}, Bytes{0x1000}), BusAddress{0x1000});
  EXPECT_EQ(range.place(Bytes{0x1000}, Bytes{0x4000}), BusAddress{0x4000});
  EXPECT_EQ(range.place(Bytes{0x10000}, Bytes{0x1000}), BusAddress{0});
}

}  // namespace
}  // namespace holdover::host::kernel
