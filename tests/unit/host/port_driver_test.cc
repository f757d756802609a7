// SPDX-License-Identifier: MIT
// Ports that have something else than the recorded one, and what their driver and the scan make of it.
#include "host/kernel/pci/port_driver.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "host/kernel/pci/pci_bus.h"
#include "host/kernel/pci/resources.h"
#include "host/kernel/pci/setup_device.h"
#include "host/kernel/profile.h"
#include "pcie/config_space.h"
#include "tests/support/recorded_functions.h"

namespace holdover::host::kernel {
namespace {

using namespace pcie::config;
using testing::as_text;
using testing::FakeFunction;
using testing::make_writable;
using Writes = std::vector<std::string>;

constexpr pcie::Bdf kPort{0, 0, 4, 0};

class Ports : public ::testing::Test {
 protected:
  // Instead of MSI-X: MSI, 64 bits, one vector.
  void give_msi() {
    port_.set(0x48, 4, 0x0080'5400 | kCapMsi);
    make_writable(port_, 0x4a, 2, 0x0071);
    make_writable(port_, 0x4c, 4, ~3u);
    make_writable(port_, 0x50, 4, ~0u);
  }
  void give_dpc() {
    port_.set(0x148, 4, 0x1801'0000 | kExtCapAcs);
    port_.set(0x180, 4, 0x0001'0000 | kExtCapDpc);
    make_writable(port_, 0x186, 2, 0x000f);
    port_.clears[0x188] = 0x09;
  }
  void scan() {
    bus_ = std::make_unique<PciBus>(platform_, policies_, nullptr, 31u, pcie::Phase::Boot);
    bus_->scan();
    assign_resources(*bus_, HostWindows{AddressRange(BusAddress{0xe000'0000}, Bytes{0x1000'0000}),
                                        AddressRange(BusAddress{0x80'0000'0000}, Bytes{0x10'0000'0000})});
    interrupts_.enable();
    driver_ = std::make_unique<PortDriver>(platform_, interrupts_, policies_, *bus_->find(kPort));
  }
  void probe() {
    scan();
    platform_.writes.clear();
    driver_->probe();
  }
  Writes taken() {
    Writes writes = as_text(platform_.writes);
    platform_.writes.clear();
    return writes;
  }
  testing::FakePlatform platform_;
  Policies policies_ = *find_profile("stock-7.2");
  Interrupts interrupts_{platform_, BusAddress{0xfec0'0000}, BusAddress{0xfee0'0000}};
  std::unique_ptr<PciBus> bus_;
  std::unique_ptr<PortDriver> driver_;
  FakeFunction& port_ = platform_.add(nullptr, 4, testing::recorded_root_port());
  FakeFunction& endpoint_ = platform_.add(&port_, 0, testing::recorded_endpoint());
};

const Writes kMsiOn{"port 4a/2=80", "port 4a/2=80",  "port 4c/4=fee00000", "port 50/4=0",
                    "port 54/2=20", "port 04/2=507", "port 4a/2=81"};
const Writes kMsiOff{"port 4a/2=81", "port 4c/4=0", "port 50/4=0", "port 54/2=0", "port 4a/2=80", "port 04/2=107"};

TEST_F(Ports, WithoutMsixInterruptByMsi) {
  give_msi();
  // The data register takes the place of the list entry of PCI Express, which moves up.
  for (unsigned offset = 0; offset < 0x3c; ++offset) {
    port_.space[0x90 + offset] = port_.space[0x54 + offset];
    port_.writable[0x90 + offset] = port_.writable[0x54 + offset];
    port_.space[0x54 + offset] = port_.writable[0x54 + offset] = 0;
  }
  port_.set(0x49, 1, 0x90);
  make_writable(port_, 0x54, 2, 0xffff);
  probe();
  const Writes up = taken();
  EXPECT_NE(std::search(up.begin(), up.end(), kMsiOn.begin(), kMsiOn.end()), up.end());
  driver_->shutdown();
  const Writes down = taken();
  ASSERT_GE(down.size(), kMsiOff.size());
  EXPECT_TRUE(std::equal(kMsiOff.begin(), kMsiOff.end(), down.end() - static_cast<std::ptrdiff_t>(kMsiOff.size())));
}

TEST_F(Ports, WithMoreMsixVectorsThanServicesSetThemUpTwice) {
  port_.set(0x4a, 2, 3);  // four
  probe();
  const Writes up = taken();
  const Writes expected{"port 4a/2=c003", "port 04/2=507",  "port 4a/2=8003", "port 4a/2=3",
                        "port 04/2=107",  "port 4a/2=c003", "port 04/2=507",  "port 4a/2=8003"};
  EXPECT_NE(std::search(up.begin(), up.end(), expected.begin(), expected.end()), up.end());
}

TEST_F(Ports, WithServicesAndNoInterruptAreDisabledAgain) {
  port_.set(kCapabilityPointer, 1, 0x54);
  probe();
  EXPECT_EQ(taken(), (Writes{"port 70/2=0", "port 04/2=107", "port 04/2=103"}));
  driver_->shutdown();
  EXPECT_TRUE(platform_.writes.empty());
}

TEST_F(Ports, WithoutServicesAreEnabledAndNoBusMasters) {
  port_.set(0x56, 2, 0x0002 | kPortTypeSwitchDownstream << 4);
  port_.set(0x60, 4, 0x0c11);
  probe();
  EXPECT_TRUE(platform_.writes.empty());
  enable_device(*bus_->find(pcie::Bdf{0, 1, 0, 0}));
  EXPECT_EQ(taken(), (Writes{"port 04/2=107"})) << "a function below makes it a bus master";
}

TEST_F(Ports, WithOneSpeedHaveNoBandwidthControl) {
  port_.set(0x80, 4, 0x2);
  probe();
  const Writes up = taken();
  EXPECT_EQ(std::count(up.begin(), up.end(), "port 64/2=c00"), 0);
}

TEST_F(Ports, ContainFatalErrorsAndClearWhatIsOldFirst) {
  give_dpc();
  probe();
  const Writes up = taken();
  const Writes expected{"port 188/2=8", "port 186/2=9"};
  EXPECT_NE(std::search(up.begin(), up.end(), expected.begin(), expected.end()), up.end());
  driver_->shutdown();
  const Writes down = taken();
  EXPECT_EQ(std::count(down.begin(), down.end(), "port 186/2=0"), 1);
}

TEST_F(Ports, OfLinux61LeaveOldContainmentStatusAlone) {
  give_dpc();
  policies_ = *find_profile("stock-6.1");
  probe();
  const Writes up = taken();
  EXPECT_EQ(std::count(up.begin(), up.end(), "port 188/2=8"), 0);
  EXPECT_EQ(std::count(up.begin(), up.end(), "port 186/2=9"), 1);
}

TEST_F(Ports, OldErrorsClearTheStatusOfWhatIsBelow) {
  scan();
  port_.set(0x130, 4, 1);
  platform_.writes.clear();
  driver_->probe();
  const Writes up = taken();
  const Writes expected{"port 130/4=1", "end 110/4=0", "end 104/4=0", "end 7a/2=0", "port 110/4=0"};
  EXPECT_NE(std::search(up.begin(), up.end(), expected.begin(), expected.end()), up.end());
}

TEST_F(Ports, OfLinux612ClearTheirOwnErrorsAlone) {
  policies_ = *find_profile("stock-6.12");
  scan();
  port_.set(0x130, 4, 1);
  platform_.writes.clear();
  driver_->probe();
  for (const std::string& write : taken()) EXPECT_EQ(write.rfind("end", 0), std::string::npos) << write;
}

TEST_F(Ports, NameTheSourceOfAnErrorAndClearIt) {
  probe();
  port_.clears[0x130] = 0x7f;
  port_.set(0x130, 4, kAerRootUncorrectable | kAerRootFatal);
  port_.set(0x134, 4, 0x0100'0000);
  platform_.writes.clear();
  platform_.message(32);
  interrupts_.poll();
  EXPECT_EQ(port_.get(0x130, 4), 0u);
  ASSERT_EQ(platform_.console_lines.size(), 1u);
  EXPECT_EQ(platform_.console_lines[0],
            "pcieport 0000:00:04.0: AER: Uncorrectable (Fatal) error message received from 0000:01:00.0");
}

TEST_F(Ports, NameTenErrorsAndGoOnClearingThem) {
  probe();
  port_.clears[0x130] = 0x7f;
  for (unsigned error = 0; error < 20; ++error) {
    port_.set(0x130, 4, kAerRootCorrectable);
    platform_.message(32);
    interrupts_.poll();
    EXPECT_EQ(port_.get(0x130, 4), 0u);
  }
  EXPECT_EQ(platform_.console_lines.size(), 10u);
}

TEST_F(Ports, AreSilentAfterTheirShutdown) {
  probe();
  driver_->shutdown();
  port_.set(0x130, 4, kAerRootCorrectable);
  platform_.writes.clear();
  platform_.message(32);
  interrupts_.poll();
  EXPECT_TRUE(platform_.writes.empty());
}

TEST_F(Ports, ReleaseALinkThatTheyContained) {
  give_dpc();
  probe();
  port_.set(0x188, 2, kDpcStatusTrigger | kDpcStatusInterrupt);
  platform_.message(32);
  interrupts_.poll();
  EXPECT_EQ(port_.get(0x188, 2), 0u);
  ASSERT_EQ(platform_.console_lines.size(), 1u);
}

// ---- The scan ----

TEST_F(Ports, ShowRetryStatusWhenFoundOrInEachPass) {
  port_.set(0x72, 2, kRootCapabilitiesRetryVisibility);
  make_writable(port_, 0x70, 2, 0x001f);
  scan();
  Writes writes = taken();
  EXPECT_EQ(writes.front(), "port 70/2=10");
  EXPECT_EQ(std::count(writes.begin(), writes.end(), "port 70/2=10"), 1);
  policies_ = *find_profile("stock-6.1");
  scan();
  writes = taken();
  EXPECT_EQ(std::count(writes.begin(), writes.end(), "port 70/2=10"), 2);
  EXPECT_EQ(writes.front(), "port 04/2=503");
}

TEST_F(Ports, ForwardErrorsFromBelow) {
  port_.set(kBridgeControl, 2, 0);
  scan();
  EXPECT_EQ(port_.get(kBridgeControl, 2), kBridgeControlSerr);
}

TEST_F(Ports, PassLatencyToleranceOnFromTheRootDownwards) {
  port_.set(0x78, 4, kDeviceCapabilities2Ltr);
  make_writable(port_, 0x7c, 2, kDeviceControl2Ltr);
  endpoint_.set(0x94, 4, kDeviceCapabilities2Ltr);
  make_writable(endpoint_, 0x98, 2, kDeviceControl2Ltr);
  scan();
  EXPECT_EQ(port_.get(0x7c, 2), kDeviceControl2Ltr);
  EXPECT_EQ(endpoint_.get(0x98, 2), kDeviceControl2Ltr);
  platform_.writes.clear();
  scan();
  for (const auto& write : platform_.writes) EXPECT_TRUE(write.offset != 0x98 && write.offset != 0x7c);
}

TEST_F(Ports, ThatCannotPassLatencyToleranceOnLeaveItOffBelow) {
  endpoint_.set(0x94, 4, kDeviceCapabilities2Ltr);
  scan();
  for (const auto& write : platform_.writes) EXPECT_NE(write.offset, 0x98u);
}

TEST_F(Ports, ForwardToFunctionNumbersOfEightBits) {
  endpoint_.set(0x100, 4, 0x1481'0000 | kExtCapAer);
  endpoint_.set(0x148, 4, 0x0001'0000 | kExtCapAri);
  scan();
  EXPECT_EQ(port_.get(0x7c, 2), kDeviceControl2Ari);
}

TEST_F(Ports, WithACommonClockDoNotRetrain) {
  for (const auto& [function, express] : {std::pair{&port_, 0x54u}, std::pair{&endpoint_, 0x70u}}) {
    function->set(express + kExpressLinkStatus, 2, kLinkStatusSlotClock);
    function->set(express + kExpressLinkControl, 2, kLinkControlCommonClock);
  }
  scan();
  for (const auto& write : platform_.writes) EXPECT_NE(write.offset, 0x64u) << write.value;
}

TEST_F(Ports, SwitchAspmOffAndOnAroundTheirSetup) {
  for (const auto& [function, express] : {std::pair{&port_, 0x54u}, std::pair{&endpoint_, 0x70u}}) {
    function->set(express + kExpressLinkStatus, 2, kLinkStatusSlotClock);
    function->set(express + kExpressLinkControl, 2, kLinkControlCommonClock | 2u);
  }
  const Writes expected{"end 80/2=40", "port 64/2=40", "port 64/2=42", "end 80/2=42"};
  scan();
  Writes writes = taken();
  EXPECT_NE(std::search(writes.begin(), writes.end(), expected.begin(), expected.end()), writes.end());
  policies_ = *find_profile("stock-6.12");
  scan();
  writes = taken();
  EXPECT_EQ(std::count(writes.begin(), writes.end(), "end 80/2=40"), 0);
}

// ---- Resources ----

TEST_F(Ports, RomsThatAreOnAreSizedAsFoundAndSwitchedOff) {
  make_writable(endpoint_, kRomBar, 4, 0xffff'0001);
  endpoint_.set(kRomBar, 4, 0xe061'0001);
  scan();
  Writes writes = taken();
  const Writes later{"end 30/4=fffff800", "end 30/4=e0610001"};
  EXPECT_NE(std::search(writes.begin(), writes.end(), later.begin(), later.end()), writes.end());
  EXPECT_EQ(endpoint_.get(kRomBar, 4), 0xe061'0000u);
  endpoint_.set(kRomBar, 4, 0xe061'0001);
  policies_ = *find_profile("stock-6.1");
  scan();
  writes = taken();
  const Writes before{"end 30/4=fffff801", "end 30/4=e0610001"};
  EXPECT_NE(std::search(writes.begin(), writes.end(), before.begin(), before.end()), writes.end());
}

TEST_F(Ports, ABarOf64BitsMovesWithDecodingOff) {
  endpoint_.set(kBar0 + 4, 4, 0x7f);  // outside the window
  scan();
  const Writes writes = taken();
  const Writes expected{"end 04/2=101", "end 10/4=c", "end 14/4=80", "end 04/2=103"};
  EXPECT_NE(std::search(writes.begin(), writes.end(), expected.begin(), expected.end()), writes.end());
}

}  // namespace
}  // namespace holdover::host::kernel
