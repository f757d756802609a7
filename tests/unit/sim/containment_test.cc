// SPDX-License-Identifier: MIT
// Downstream Port Containment, and the interrupt messages of ports.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/scripted_fabric.h"

namespace holdover::sim {
namespace {

namespace config = pcie::config;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::uint16_t kOnFatal = 1;
constexpr std::uint16_t kOnAnyUncorrectable = 2;
constexpr Time kRetrained{600'000'000};

struct ContainmentTest : testing::Test {
  void control(std::uint16_t value) { fabric.write(port, fabric.dpc() + config::kDpcControl, 2, value); }
  std::uint32_t status() { return fabric.read(port, fabric.dpc() + config::kDpcStatus, 2); }
  std::uint32_t source() { return fabric.read(port, fabric.dpc() + config::kDpcSource, 2); }
  bool root_was_told() {
    return (fabric.read(ScriptedFabric::kRoot, config::kSecondaryStatus, 2) & config::kStatusSystemError) != 0;
  }
  ScriptedFabric fabric;
  pcie::Bdf port = ScriptedFabric::kFirst;
};

TEST_F(ContainmentTest, StandsInThePortsThatHaveALinkBelow) {
  EXPECT_TRUE(fabric.extended(ScriptedFabric::kRoot, config::kExtCapDpc).has_value());
  EXPECT_TRUE(fabric.extended(ScriptedFabric::kSecond, config::kExtCapDpc).has_value());
  EXPECT_FALSE(fabric.extended(ScriptedFabric::kUpstream, config::kExtCapDpc).has_value());
}

TEST_F(ContainmentTest, WithoutTriggerEnableAFatalErrorGoesOnToTheRoot) {
  fabric.send(0, ScriptedFabric::error(pcie::kMessageErrorFatal));
  EXPECT_EQ(status(), 0u);
  EXPECT_TRUE(root_was_told());
  EXPECT_THAT(fabric.seen.links, IsEmpty());
}

TEST_F(ContainmentTest, AFatalErrorTakesTheLinkDownAndGoesNoFurther) {
  control(kOnFatal);
  fabric.send(0, ScriptedFabric::error(pcie::kMessageErrorFatal));
  EXPECT_EQ(status(), config::kDpcStatusTrigger | (2u << 1));
  EXPECT_EQ(source(), ScriptedFabric::kFirstEndpoint);
  EXPECT_FALSE(root_was_told());
  EXPECT_THAT(fabric.seen.links, ElementsAre("2 down"));
}

TEST_F(ContainmentTest, AnErrorThatIsNotFatalTriggersOnlyWhereThatIsAskedFor) {
  control(kOnFatal);
  fabric.send(0, ScriptedFabric::error(pcie::kMessageErrorNonFatal));
  EXPECT_EQ(status(), 0u);
  control(kOnAnyUncorrectable);
  fabric.send(0, ScriptedFabric::error(pcie::kMessageErrorCorrectable));
  EXPECT_EQ(status(), 0u);
  fabric.send(0, ScriptedFabric::error(pcie::kMessageErrorNonFatal));
  EXPECT_EQ(status(), config::kDpcStatusTrigger | (1u << 1));
}

TEST_F(ContainmentTest, TheLinkStaysDownUntilTheTriggerIsCleared) {
  control(kOnFatal);
  fabric.send(0, ScriptedFabric::error(pcie::kMessageErrorFatal));
  fabric.platform().wait(kRetrained);
  EXPECT_THAT(fabric.seen.links, ElementsAre("2 down"));
  // Neither Link Disable nor a reset of the port lets it out.
  const unsigned link = fabric.capability(port, config::kCapExpress) + config::kExpressLinkControl;
  fabric.write(port, link, 2, 1u << 4);
  fabric.write(port, link, 2, 0);
  fabric.write(ScriptedFabric::kUpstream, config::kBridgeControl, 2,
               config::kBridgeControlSecondaryReset | config::kBridgeControlSerr);
  fabric.write(ScriptedFabric::kUpstream, config::kBridgeControl, 2, config::kBridgeControlSerr);
  fabric.platform().wait(kRetrained);
  EXPECT_EQ(status(), config::kDpcStatusTrigger | (2u << 1));
  EXPECT_THAT(fabric.seen.links, ElementsAre("2 down", "3 down", "3 up"));
  fabric.write(port, fabric.dpc() + config::kDpcStatus, 2, config::kDpcStatusTrigger);
  fabric.platform().wait(kRetrained);
  EXPECT_EQ(fabric.seen.links.back(), "2 up");
}

TEST_F(ContainmentTest, SoftwareTriggersAPortThatIsArmed) {
  control(config::kDpcControlSoftwareTrigger);
  EXPECT_EQ(status(), 0u);
  control(config::kDpcControlSoftwareTrigger | kOnFatal);
  EXPECT_EQ(status(), config::kDpcStatusTrigger | (3u << 1) | (1u << 5));
  EXPECT_EQ(fabric.read(port, fabric.dpc() + config::kDpcControl, 2), kOnFatal);  // the trigger reads 0
  EXPECT_THAT(fabric.seen.links, ElementsAre("2 down"));
}

TEST_F(ContainmentTest, CompletionControlChoosesHowRequestsAreRefused) {
  control(config::kDpcControlSoftwareTrigger | kOnFatal);
  const unsigned device = fabric.capability(port, config::kCapExpress) + config::kExpressDeviceStatus;
  const auto unsupported = [&] { return (fabric.read(port, device, 2) & 8u) != 0; };
  static_cast<void>(fabric.read(pcie::Bdf{0, 3, 0, 0}, 0, 4));
  EXPECT_FALSE(unsupported());  // Completer Abort
  EXPECT_EQ(fabric.read(port, config::kStatus, 2), config::kStatusCapabilityList | config::kStatusSignaledTargetAbort);
  EXPECT_EQ(fabric.read(port, config::kSecondaryStatus, 2) & config::kStatusSignaledTargetAbort, 0u);
  control(config::kDpcControlCompletion | kOnFatal);
  static_cast<void>(fabric.read(pcie::Bdf{0, 3, 0, 0}, 0, 4));
  EXPECT_TRUE(unsupported());
}

TEST_F(ContainmentTest, InterruptsTheHostOnceWhereThatIsEnabled) {
  constexpr unsigned kVector = 0x41;
  fabric.enable_interrupts(port, kVector);
  control(kOnFatal);
  fabric.send(0, ScriptedFabric::error(pcie::kMessageErrorFatal));
  EXPECT_THAT(fabric.seen.interrupts, IsEmpty());
  fabric.write(port, fabric.dpc() + config::kDpcStatus, 2, config::kDpcStatusTrigger);
  fabric.platform().wait(kRetrained);
  control(kOnFatal | config::kDpcControlInterruptEnable);
  fabric.send(0, ScriptedFabric::error(pcie::kMessageErrorFatal));
  EXPECT_THAT(fabric.seen.interrupts, ElementsAre(std::pair{port.requester_id(), kVector}));
  EXPECT_NE(status() & config::kDpcStatusInterrupt, 0u);
}

TEST_F(ContainmentTest, InterruptMessagesNeedMsiEnableAndBusMasteringOfEveryPort) {
  const auto trigger = [&] {
    control(kOnFatal | config::kDpcControlInterruptEnable | config::kDpcControlSoftwareTrigger);
    fabric.platform().wait(Time{5'000'000});
    fabric.write(port, fabric.dpc() + config::kDpcStatus, 2, config::kDpcStatusTrigger | config::kDpcStatusInterrupt);
  };
  // Address and data alone do not do it.
  fabric.enable_interrupts(port, 0x41);
  const unsigned msi = fabric.capability(port, config::kCapMsi) + config::kMsiControl;
  fabric.write(port, msi, 2, 0);
  trigger();
  EXPECT_THAT(fabric.seen.interrupts, IsEmpty());
  fabric.write(port, msi, 2, config::kMsiControlEnable);
  for (const pcie::Bdf gate : {port, ScriptedFabric::kUpstream, ScriptedFabric::kRoot}) {
    fabric.write(gate, config::kCommand, 2, config::kCommandMemory);
    trigger();
    EXPECT_THAT(fabric.seen.interrupts, IsEmpty()) << gate.requester_id();
    fabric.write(gate, config::kCommand, 2, config::kCommandMemory | config::kCommandBusMaster);
  }
  trigger();
  EXPECT_EQ(fabric.seen.interrupts.size(), 1u);
}

// A posted write that bus mastering stops is an uncorrectable error of the port itself, which nobody is told of.
TEST_F(ContainmentTest, AnErrorOfThePortItselfTriggersInsteadOfAMessage) {
  const unsigned device = fabric.capability(port, config::kCapExpress) + config::kExpressDeviceControl;
  fabric.write(port, device, 2, config::kDeviceControlErrorReporting);
  fabric.write(port, config::kCommand, 2, config::kCommandMemory);
  pcie::Tlp write;
  write.kind = pcie::TlpKind::MemoryWrite;
  write.requester = ScriptedFabric::kFirstEndpoint;
  write.length_dw = 1;
  write.first_be = 0xf;
  write.payload.resize(4);
  control(kOnFatal);  // an Unsupported Request is not fatal
  fabric.send(0, write);
  EXPECT_EQ(status(), 0u);
  EXPECT_TRUE(root_was_told());
  fabric.write(ScriptedFabric::kRoot, config::kSecondaryStatus, 2, config::kStatusSystemError);
  control(kOnAnyUncorrectable);
  fabric.send(0, write);
  EXPECT_EQ(status(), config::kDpcStatusTrigger);
  EXPECT_FALSE(root_was_told());
  EXPECT_THAT(fabric.seen.links, ElementsAre("2 down"));
}

TEST_F(ContainmentTest, ARootPortContainsAndInterruptsToo) {
  constexpr unsigned kVector = 0x42;
  port = ScriptedFabric::kRoot;
  const unsigned dpc = fabric.extended(port, config::kExtCapDpc).value();
  fabric.enable_interrupts(port, kVector);
  fabric.write(port, dpc + config::kDpcControl, 2, kOnAnyUncorrectable | config::kDpcControlInterruptEnable);
  fabric.send(0, ScriptedFabric::error(pcie::kMessageErrorNonFatal));
  EXPECT_THAT(fabric.seen.links, testing::Contains("0 down"));
  EXPECT_THAT(fabric.seen.interrupts, ElementsAre(std::pair{port.requester_id(), kVector}));
  EXPECT_EQ(fabric.read(port, dpc + config::kDpcSource, 2), ScriptedFabric::kFirstEndpoint);
}

}  // namespace
}  // namespace holdover::sim
