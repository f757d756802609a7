// SPDX-License-Identifier: MIT
// Links that go down: what nobody asked for is an error of the port above, what software asked for is none.
#include "tests/unit/sim/port_fixture.h"

namespace holdover::sim {
namespace {

namespace config = pcie::config;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using Kind = MachineFault::Kind;

constexpr FunctionIndex kDownstreamIndex = 2;
constexpr std::uint16_t kFatalDetected = 1u << 2;
constexpr std::uint32_t kRootFatal = 0x54;  // first, and it was fatal
constexpr std::uint16_t kContainFatal = 1;

struct Surprise : PortFixture {
  Surprise() : root_aer(extended(kRoot, config::kExtCapAer)) {
    write(kRoot, root_aer + config::kAerRootCommand, 4, 7);
    port_aer = extended(kPort, config::kExtCapAer);
    express = capability(kPort, config::kCapExpress);
  }
  // The fault strikes the link of endpoint 0, whose port then is `kPort`.
  void strike(Kind kind) {
    rebuild(MachineFault{kind, 0, pcie::Phase::Blackout, 5_us});
    prepare();
    machine->platform().jump(PhysicalAddress{0x1000});
  }
  virtual void prepare() { write(kRoot, root_aer + config::kAerRootCommand, 4, 7); }
  std::uint32_t errors() { return read(kPort, port_aer + config::kAerUncorrectableStatus); }
  std::uint32_t root_status() { return read(kRoot, root_aer + config::kAerRootStatus); }
  bool fatal_detected() { return (read(kPort, express + config::kExpressDeviceStatus, 2) & kFatalDetected) != 0; }
  void expect_none() {
    settle();
    EXPECT_THAT(links, Contains(std::pair{kDownstreamIndex, false}));
    EXPECT_EQ(errors(), 0u);
    EXPECT_FALSE(fatal_detected());
    EXPECT_EQ(root_status(), 0u);
    EXPECT_THAT(interrupts, IsEmpty());
  }

  static constexpr pcie::Bdf kPort = kDownstream[0];
  unsigned root_aer = 0;
  unsigned port_aer = 0;
  unsigned express = 0;
};

TEST_F(Surprise, PortsWithALinkBelowSayThatTheyReportIt) {
  for (const pcie::Bdf port : {kRoot, kDownstream[0], kDownstream[1]}) {
    EXPECT_NE(read(port, capability(port, config::kCapExpress) + config::kExpressLinkCapabilities) & (1u << 19), 0u);
  }
  const unsigned upstream = capability(kUpstream, config::kCapExpress);
  EXPECT_EQ(read(kUpstream, upstream + config::kExpressLinkCapabilities) & (1u << 19), 0u);
}

struct SurpriseBy : Surprise, testing::WithParamInterface<Kind> {};

TEST_P(SurpriseBy, IsAFatalErrorWithoutAHeaderThatTheRootIsToldOf) {
  strike(GetParam());
  EXPECT_EQ(errors(), config::kAerSurpriseDown);
  EXPECT_TRUE(fatal_detected());
  EXPECT_EQ(read(kPort, port_aer + config::kAerControl) & 0x1f, 5u);
  for (unsigned word = 0; word < 4; ++word) EXPECT_EQ(read(kPort, port_aer + config::kAerHeaderLog + 4 * word), 0u);
  EXPECT_EQ(root_status(), kRootFatal);
  EXPECT_EQ(read(kRoot, root_aer + config::kAerErrorSource) >> 16, kPort.requester_id());
  EXPECT_EQ(interrupts.size(), 1u);
  machine->platform().wait(400_us);
  EXPECT_EQ(links.back(), (std::pair{kDownstreamIndex, true}));
}

struct SurpriseContained : SurpriseBy {
  void prepare() override {
    Surprise::prepare();
    write(kPort, extended(kPort, config::kExtCapDpc) + config::kDpcControl, 2, kContainFatal);
  }
};

TEST_P(SurpriseContained, TriggersContainmentWhichHoldsTheLinkDown) {
  strike(GetParam());
  const unsigned dpc = extended(kPort, config::kExtCapDpc);
  EXPECT_EQ(read(kPort, dpc + config::kDpcStatus, 2), config::kDpcStatusTrigger);
  EXPECT_EQ(errors(), config::kAerSurpriseDown);
  EXPECT_EQ(root_status(), 0u);
  machine->platform().wait(400_us);
  EXPECT_THAT(links, ElementsAre(std::pair{kDownstreamIndex, false}));
  write(kPort, dpc + config::kDpcStatus, 2, config::kDpcStatusTrigger);
  machine->platform().wait(400_us);
  EXPECT_EQ(links.back(), (std::pair{kDownstreamIndex, true}));
}

INSTANTIATE_TEST_SUITE_P(Faults, SurpriseBy, testing::Values(Kind::LinkDown, Kind::PowerLoss));
INSTANTIATE_TEST_SUITE_P(Faults, SurpriseContained, testing::Values(Kind::LinkDown, Kind::PowerLoss));

// A root port's own error is recorded there at once.
TEST_F(Surprise, OfARootPortsOwnLinkIsRecordedInTheRoot) {
  Bridge::Identity identity;
  Scheduler scheduler;
  Witness witness;
  Bridge bridge{scheduler, witness, identity};
  const auto at = [&](std::uint16_t id) {
    return pcie::find_extended_capability([&](unsigned offset) { return bridge.read(offset); }, id).value();
  };
  const unsigned device =
      pcie::find_capability([&](unsigned offset) { return bridge.read(offset); }, config::kCapExpress).value() +
      config::kExpressDeviceControl;
  bridge.write(device, 0x3, config::kDeviceControlErrorReporting);
  bridge.note_surprise_down();
  EXPECT_EQ(bridge.read(at(config::kExtCapAer) + config::kAerRootStatus), kRootFatal);
}

TEST_F(Surprise, IsNoneWhereSoftwareTakesTheLinkDown) {
  const unsigned link = express + config::kExpressLinkControl;
  write(kPort, link, 2, 1u << 4);
  expect_none();
  write(kPort, link, 2, 0);
}

TEST_F(Surprise, IsNoneWhereSoftwareSwitchesTheSlotOff) {
  write(kPort, express + config::kExpressSlotControl, 2, 1u << 10);
  expect_none();
}

TEST_F(Surprise, IsNoneAtASecondaryBusReset) {
  write(kPort, config::kBridgeControl, 2, config::kBridgeControlSerr | config::kBridgeControlSecondaryReset);
  expect_none();
}

TEST_F(Surprise, IsNoneWhereThePortContains) {
  const unsigned control = extended(kPort, config::kExtCapDpc) + config::kDpcControl;
  write(kPort, control, 2, kContainFatal | config::kDpcControlSoftwareTrigger);
  expect_none();
}

TEST_F(Surprise, IsNoneOfALinkThatIsDownAlready) {
  Scheduler scheduler;
  Link link{scheduler, 1, "link", LinkParameters{}, [](bool) {}};
  unsigned surprises = 0;
  link.set_surprise_sink([&] { ++surprises; });
  link.set_power(false);
  link.lose();
  link.lose_power();
  EXPECT_FALSE(link.is_training()) << "a slot that is switched off stays so";
  link.set_power(true);
  link.lose();
  EXPECT_EQ(surprises, 0u);
  scheduler.run_until(kTrainingTime * 2);
  link.lose();
  link.lose_power();
  EXPECT_EQ(surprises, 1u);
  scheduler.run_until(kTrainingTime * 4);
  link.lose_power();
  EXPECT_EQ(surprises, 2u);
}

}  // namespace
}  // namespace holdover::sim
