// SPDX-License-Identifier: MIT
// What ports report: their own errors, and in the root port those of everything below, up to the interrupt.
#include "tests/unit/sim/port_fixture.h"

namespace holdover::sim {
namespace {

namespace config = pcie::config;
using testing::ElementsAre;
using testing::IsEmpty;

struct PortAer : PortFixture {
  PortAer() : aer(extended(kRoot, config::kExtCapAer)) { write(kRoot, aer + config::kAerRootCommand, 4, 7); }
  std::uint32_t root_status() { return read(kRoot, aer + config::kAerRootStatus); }
  std::uint32_t source() { return read(kRoot, aer + config::kAerErrorSource); }
  unsigned aer;
};

TEST_F(PortAer, AnErrorMessageFromBelowIsRecordedWithItsSourceAndInterrupts) {
  send(0, message(kEndpoint[0], pcie::kMessageErrorNonFatal));
  EXPECT_EQ(root_status(), 0x24u);
  EXPECT_EQ(source(), 0x0300'0000u);
  EXPECT_THAT(interrupts, ElementsAre(kRoot.requester_id()));
  send(1, message(kEndpoint[1], pcie::kMessageErrorCorrectable));
  EXPECT_EQ(root_status(), 0x25u);
  EXPECT_EQ(source(), 0x0300'0400u);
  send(1, message(kEndpoint[1], pcie::kMessageErrorFatal));
  EXPECT_EQ(root_status(), 0x6du) << "multiple, and the first was not fatal";
  EXPECT_EQ(source(), 0x0300'0400u) << "the first source stays";
  EXPECT_EQ(interrupts.size(), 1u) << "the condition was true all the time";
  write(kRoot, aer + config::kAerRootStatus, 4, root_status());
  EXPECT_EQ(root_status(), 0u);
  send(1, message(kEndpoint[1], pcie::kMessageErrorFatal));
  EXPECT_EQ(root_status(), 0x54u);
  EXPECT_EQ(interrupts.size(), 2u);
}

TEST_F(PortAer, WithoutItsEnablesNoInterruptIsSent) {
  write(kRoot, aer + config::kAerRootCommand, 4, 0);
  send(0, message(kEndpoint[0], pcie::kMessageErrorFatal));
  EXPECT_THAT(interrupts, IsEmpty());
  write(kRoot, aer + config::kAerRootCommand, 4, 4);
  settle();
  EXPECT_EQ(interrupts.size(), 1u) << "enabled while the status was set";
  const unsigned msi = capability(kRoot, config::kCapMsi);
  write(kRoot, msi + 2, 2, 0);
  write(kRoot, aer + config::kAerRootStatus, 4, ~0u);
  send(0, message(kEndpoint[0], pcie::kMessageErrorFatal));
  EXPECT_EQ(interrupts.size(), 1u) << "MSI is off";
}

TEST_F(PortAer, APortsOwnErrorTravelsToTheRootUnderThePortsName) {
  write(kDownstream[1], config::kCommand, 2, config::kCommandMemory);
  send(1, memory_write(kEndpoint[1], 0x1000));
  EXPECT_EQ(refused.size(), 1u);
  const unsigned port = extended(kDownstream[1], config::kExtCapAer);
  EXPECT_EQ(read(kDownstream[1], port + config::kAerUncorrectableStatus), config::kAerUnsupported);
  EXPECT_EQ(read(kDownstream[1], port + config::kAerControl) & 0x1f, 20u);
  EXPECT_EQ(read(kDownstream[1], port + config::kAerHeaderLog), 0x4000'0001u);
  EXPECT_EQ(read(kDownstream[1], port + config::kAerHeaderLog + 8), 0x0000'1000u);
  EXPECT_EQ(source(), std::uint32_t{kDownstream[1].requester_id()} << 16);
  EXPECT_EQ(interrupts.size(), 1u);
  send(1, memory_write(kEndpoint[1], 0x2000));
  EXPECT_EQ(read(kDownstream[1], port + config::kAerHeaderLog + 8), 0x0000'1000u) << "the first error's header stays";
  EXPECT_NE(root_status() & 8u, 0u);
}

TEST_F(PortAer, AnAnsweredRequestIsAdvisoryAndMaskedUntilAsked) {
  write(kDownstream[0], config::kCommand, 2, config::kCommandMemory);
  const unsigned port = extended(kDownstream[0], config::kExtCapAer);
  send(0, memory_read(kEndpoint[0], 0x1000, 3));
  EXPECT_EQ(read(kDownstream[0], port + config::kAerCorrectableStatus), config::kAerAdvisoryNonFatal);
  EXPECT_EQ(read(kDownstream[0], port + config::kAerUncorrectableStatus), 0u);
  EXPECT_EQ(root_status(), 0u);
  write(kDownstream[0], port + config::kAerCorrectableMask, 4, 0);
  send(0, memory_read(kEndpoint[0], 0x1000, 4));
  EXPECT_EQ(read(kDownstream[0], port + config::kAerUncorrectableStatus), config::kAerUnsupported);
  EXPECT_EQ(root_status(), 1u);
  EXPECT_EQ(source(), kDownstream[0].requester_id());
  // Fatal errors are never advisory.
  write(kDownstream[0], port + config::kAerUncorrectableSeverity, 4, config::kAerUnsupported);
  send(0, memory_read(kEndpoint[0], 0x1000, 5));
  EXPECT_EQ(root_status(), 0x55u);
}

TEST_F(PortAer, AMaskedErrorIsNotReported) {
  write(kDownstream[0], config::kCommand, 2, config::kCommandMemory);
  const unsigned port = extended(kDownstream[0], config::kExtCapAer);
  write(kDownstream[0], port + config::kAerUncorrectableMask, 4, config::kAerUnsupported);
  send(0, memory_write(kEndpoint[0], 0x1000));
  EXPECT_EQ(read(kDownstream[0], port + config::kAerUncorrectableStatus), config::kAerUnsupported);
  EXPECT_EQ(read(kDownstream[0], port + config::kAerHeaderLog), 0u);
  EXPECT_EQ(root_status(), 0u);
}

TEST_F(PortAer, APortThatForwardsNoErrorsKeepsThemFromTheRoot) {
  write(kUpstream, config::kBridgeControl, 2, 0);
  send(0, message(kEndpoint[0], pcie::kMessageErrorFatal));
  EXPECT_EQ(root_status(), 0u);
  write(kDownstream[0], config::kCommand, 2, config::kCommandMemory);
  send(0, memory_write(kEndpoint[0], 0x1000));
  EXPECT_EQ(root_status(), 0u) << "the downstream port's own message comes in from the same side";
}

TEST_F(PortAer, APortThatReportsNoUncorrectableErrorsForwardsOnlyCorrectableOnes) {
  const unsigned device = capability(kUpstream, config::kCapExpress) + config::kExpressDeviceControl;
  write(kUpstream, device, 2, 0);
  send(0, message(kEndpoint[0], pcie::kMessageErrorFatal));
  send(0, message(kEndpoint[0], pcie::kMessageErrorNonFatal));
  EXPECT_EQ(root_status(), 0u);
  EXPECT_NE(read(kUpstream, config::kSecondaryStatus, 2) & config::kStatusSystemError, 0u) << "they came as far";
  send(0, message(kEndpoint[0], pcie::kMessageErrorCorrectable));
  EXPECT_EQ(root_status(), 1u);
  write(kUpstream, config::kCommand, 2, config::kCommandMemory | config::kCommandBusMaster | config::kCommandSerr);
  send(0, message(kEndpoint[0], pcie::kMessageErrorFatal));
  EXPECT_EQ(root_status(), 0x55u);
  EXPECT_NE(read(kUpstream, config::kStatus, 2) & config::kStatusSystemError, 0u);
}

TEST_F(PortAer, APacketThatComesAgainIsABadTlpOfThePortThatItCameTo) {
  build({}, true);
  write(kUpstream, extended(kUpstream, config::kExtCapAer) + config::kAerCorrectableMask, 4, config::kAerBadTlp);
  const auto status = [&](pcie::Bdf port) {
    return read(port, extended(port, config::kExtCapAer) + config::kAerCorrectableStatus);
  };
  for (const pcie::Bdf port : {kRoot, kUpstream, kDownstream[0], kDownstream[1]}) EXPECT_EQ(status(port), 0u);
  // What goes up is damaged on the lower link or on the upper one, what comes down on the upper one.
  for (std::uint16_t tag = 0; tag < 4096; ++tag) endpoints[0].to_send.push_back(memory_write(kEndpoint[0], 0x1000));
  machine->platform().wait(200_us);
  EXPECT_EQ(status(kRoot), config::kAerBadTlp);
  EXPECT_EQ(status(kDownstream[0]), config::kAerBadTlp);
  EXPECT_EQ(status(kDownstream[1]), 0u);
  EXPECT_EQ(root_status(), 3u) << "their own, and more than one";
  const unsigned device = capability(kUpstream, config::kCapExpress) + config::kExpressDeviceStatus;
  for (std::uint16_t tag = 0; tag < 4096; ++tag) read(kUpstream, device, 2);
  EXPECT_EQ(status(kUpstream), config::kAerBadTlp);
  EXPECT_EQ(read(kUpstream, device, 2) & 0xf, 1u);
}

TEST_F(PortAer, EveryErrorThatAPortMustHaveABitForHasOne) {
  constexpr std::uint32_t kCorrectable = 0x31c1;
  for (const pcie::Bdf port : {kRoot, kUpstream, kDownstream[0]}) {
    const unsigned at = extended(port, config::kExtCapAer);
    EXPECT_EQ(read(port, at + config::kAerCorrectableMask), config::kAerAdvisoryNonFatal);
    write(port, at + config::kAerCorrectableMask, 4, ~0u);
    EXPECT_EQ(read(port, at + config::kAerCorrectableMask), kCorrectable);
    EXPECT_NE(read(port, at + config::kAerUncorrectableSeverity) & config::kAerDataLinkProtocol, 0u) << "fatal";
    write(port, at + config::kAerUncorrectableMask, 4, config::kAerDataLinkProtocol);
    EXPECT_EQ(read(port, at + config::kAerUncorrectableMask), config::kAerDataLinkProtocol);
  }
}

TEST_F(PortAer, StatusOutlivesAConventionalReset) {
  write(kDownstream[0], config::kCommand, 2, config::kCommandMemory);
  send(0, memory_write(kEndpoint[0], 0x1000));
  const unsigned port = extended(kDownstream[0], config::kExtCapAer);
  write(kUpstream, config::kBridgeControl, 2, config::kBridgeControlSecondaryReset);
  write(kUpstream, config::kBridgeControl, 2, 0);
  EXPECT_EQ(read(kDownstream[0], config::kSecondaryBus, 1), 0u);
  EXPECT_EQ(read(kDownstream[0], port + config::kAerUncorrectableStatus), config::kAerUnsupported);
}

}  // namespace
}  // namespace holdover::sim
