// SPDX-License-Identifier: MIT
#include "sim/bridge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "pcie/capability.h"
#include "pcie/config_space.h"
#include "sim/routing.h"

namespace holdover::sim {
namespace {

namespace config = pcie::config;

struct Writes : Witness {
  void on_config_write(const ConfigWrite& write) override { seen.push_back(write); }
  std::vector<ConfigWrite> seen;
};

struct BridgeTest : testing::Test {
  Bridge::Identity identity(FunctionKind kind) const {
    Bridge::Identity value;
    value.index = 3;
    value.kind = kind;
    value.device = 1;
    return value;
  }
  unsigned capability(std::uint8_t id) {
    return pcie::find_capability([this](unsigned offset) { return bridge.read(offset); }, id).value();
  }
  Scheduler scheduler;
  Writes writes;
  Bridge bridge{scheduler, writes, identity(FunctionKind::RootPort)};
};

TEST_F(BridgeTest, EveryCapabilityIsInTheList) {
  for (const std::uint8_t id : {config::kCapPowerManagement, config::kCapMsi, config::kCapExpress}) capability(id);
  const auto acs =
      pcie::find_extended_capability([this](unsigned offset) { return bridge.read(offset); }, config::kExtCapAcs);
  EXPECT_TRUE(acs.has_value());
  EXPECT_EQ(bridge.read(config::kRevision) >> 8, 0x060400u);
  EXPECT_EQ((bridge.read(config::kCacheLineSize) >> 16) & 0x7f, 1u);
  EXPECT_EQ((bridge.read(config::kInterruptLine) >> 8) & 0xff, 0u) << "Interrupt Pin: no INTx message is ever sent";
}

TEST_F(BridgeTest, ErrorMessagesGoOnAsTheirEnablesSay) {
  constexpr std::array<std::uint8_t, 3> kCodes{pcie::kMessageErrorCorrectable, pcie::kMessageErrorNonFatal,
                                               pcie::kMessageErrorFatal};
  const unsigned device = capability(config::kCapExpress) + config::kExpressDeviceControl;
  const auto forwards = [&](bool below, bool system, std::uint16_t reported) {
    bridge.write(0x3c, 0xc, below ? std::uint32_t{config::kBridgeControlSerr} << 16 : 0);
    bridge.write(config::kCommand, 0x3, system ? config::kCommandSerr : 0);
    bridge.write(device, 0x3, reported);
    std::array<bool, 3> on{};
    std::transform(kCodes.begin(), kCodes.end(), on.begin(),
                   [&](std::uint8_t code) { return bridge.forwards_errors(code); });
    return on;
  };
  using testing::ElementsAre;
  EXPECT_THAT(forwards(false, true, config::kDeviceControlErrorReporting), ElementsAre(false, false, false));
  EXPECT_THAT(forwards(true, false, 0), ElementsAre(true, false, false));
  EXPECT_THAT(forwards(true, true, 0), ElementsAre(true, true, true));
  EXPECT_THAT(forwards(true, false, config::kDeviceControlNonFatal), ElementsAre(true, true, false));
  EXPECT_THAT(forwards(true, false, config::kDeviceControlFatal), ElementsAre(true, false, true));
}

TEST_F(BridgeTest, WhatItForwardsIsASignaledSystemErrorWhereTheCommandEnablesIt) {
  const auto signaled = [this] { return (bridge.read(config::kCommand) >> 16 & config::kStatusSystemError) != 0; };
  bridge.write(config::kCommand, 0x3, config::kCommandSerr);
  bridge.note_error_message(pcie::kMessageErrorFatal, 0x0100);
  EXPECT_FALSE(signaled()) << "it goes no further";
  bridge.write(0x3c, 0xc, std::uint32_t{config::kBridgeControlSerr} << 16);
  bridge.note_error_message(pcie::kMessageErrorCorrectable, 0x0100);
  EXPECT_FALSE(signaled());
  bridge.note_error_message(pcie::kMessageErrorNonFatal, 0x0100);
  EXPECT_TRUE(signaled());
  bridge.write(config::kCommand, 0xc, std::uint32_t{config::kStatusSystemError} << 16);
  EXPECT_FALSE(signaled());
  bridge.write(config::kCommand, 0x3, 0);
  bridge.write(capability(config::kCapExpress) + config::kExpressDeviceControl, 0x3,
               config::kDeviceControlErrorReporting);
  bridge.note_error_message(pcie::kMessageErrorNonFatal, 0x0100);
  EXPECT_FALSE(signaled());
}

TEST_F(BridgeTest, ErrorMessagesFromBelowAreReceivedSystemErrorsUnlessCorrectable) {
  const auto received = [this] { return (bridge.read(config::kIoBase) >> 16 & config::kStatusSystemError) != 0; };
  bridge.note_error_message(pcie::kMessageErrorCorrectable, 0x0100);
  EXPECT_FALSE(received());
  bridge.note_error_message(pcie::kMessageErrorNonFatal, 0x0100);
  EXPECT_TRUE(received());
  bridge.write(config::kIoBase, 0xc, std::uint32_t{config::kStatusSystemError} << 16);
  EXPECT_FALSE(received());
  bridge.note_error_message(pcie::kMessageErrorFatal, 0x0100);
  EXPECT_TRUE(received());
}

TEST_F(BridgeTest, ReadOnlyBitsStayAndWritesAreReportedWithBeforeAndAfter) {
  bridge.write(config::kVendorId, 0xf, 0);
  EXPECT_EQ(bridge.read(0) & 0xffff, 0x1172u);
  bridge.write(config::kCommand, 0x3, 0xffff'ffff);
  ASSERT_EQ(writes.seen.size(), 2u);
  EXPECT_EQ(writes.seen[1].function, 3u);
  EXPECT_EQ(writes.seen[1].offset, config::kCommand);
  EXPECT_EQ(writes.seen[1].before & 0xffff, 0u);
  EXPECT_EQ(writes.seen[1].after & 0xffff, 0x0546u);
}

TEST_F(BridgeTest, ByteEnablesSelectTheBytesOfAWrite) {
  bridge.write(config::kPrimaryBus, 0xf, 0x0004'0302);
  bridge.write(config::kPrimaryBus, 0x4, 0x0009'0000);
  EXPECT_EQ(bridge.read(config::kPrimaryBus), 0x0009'0302u);
}

TEST_F(BridgeTest, BusNumbersDecideWhoseConfigurationRequestsPass) {
  EXPECT_FALSE(bridge.owns_bus(0));
  EXPECT_FALSE(bridge.owns_bus(1));
  bridge.write(config::kPrimaryBus, 0x7, 0x0005'0200);
  EXPECT_FALSE(bridge.owns_bus(1));
  EXPECT_TRUE(bridge.owns_bus(2));
  EXPECT_TRUE(bridge.owns_bus(5));
  EXPECT_FALSE(bridge.owns_bus(6));
}

TEST_F(BridgeTest, WindowsClaimOnlyWithMemoryDecodeAndInD0) {
  bridge.write(config::kMemoryBase, 0xf, 0xe01f'e000);
  bridge.write(config::kPrefetchBase, 0xf, 0x0011'0001);
  bridge.write(config::kPrefetchBaseUpper, 0xf, 0x80);
  bridge.write(config::kPrefetchLimitUpper, 0xf, 0x80);
  EXPECT_FALSE(bridge.claims(0xe000'0000));
  bridge.write(config::kCommand, 0x3, config::kCommandMemory);
  EXPECT_TRUE(bridge.claims(0xe000'0000));
  EXPECT_TRUE(bridge.claims(0xe01f'ffff));
  EXPECT_FALSE(bridge.claims(0xe020'0000));
  EXPECT_TRUE(bridge.claims(0x80'001f'ffff));
  EXPECT_FALSE(bridge.claims(0x80'0020'0000));
  bridge.write(capability(config::kCapPowerManagement) + config::kPmControl, 0x3, 3);
  EXPECT_FALSE(bridge.claims(0xe000'0000));
}

TEST_F(BridgeTest, OnlyPowerStatesThatItSupportsAreEnteredAndThereIsNoPme) {
  const unsigned control = capability(config::kCapPowerManagement) + config::kPmControl;
  EXPECT_EQ(bridge.read(control - 4) >> 16 & 0xfe00, 0u) << "D1, D2, PME";
  for (const std::uint32_t from : {0u, 3u}) {
    bridge.write(control, 0x3, from);
    for (const std::uint32_t unsupported : {1u, 2u}) {
      bridge.write(control, 0x3, unsupported);
      EXPECT_EQ(bridge.read(control) & config::kPmStateMask, from);
      EXPECT_EQ(bridge.in_d0(), from == 0);
    }
  }
  bridge.write(control, 0x3, config::kPmPmeEnable);
  EXPECT_EQ(bridge.read(control), config::kPmNoSoftReset);
  EXPECT_TRUE(bridge.in_d0());
}

TEST_F(BridgeTest, VisibilityOfRetryStatusCannotBeEnabledWhereTheRootHasNone) {
  const unsigned control = capability(config::kCapExpress) + config::kExpressRootControl;
  bridge.write(control, 0x3, 0xffff);
  EXPECT_EQ(bridge.read(control), 0xfu);
}

TEST_F(BridgeTest, ARequestFromBelowNeedsBusMasteringAndD0) {
  pcie::Tlp request;
  request.kind = pcie::TlpKind::MemoryRead;
  EXPECT_TRUE(refuse_from_below(bridge, request).has_value());
  bridge.write(config::kCommand, 0x3, config::kCommandBusMaster);
  EXPECT_FALSE(refuse_from_below(bridge, request).has_value());
  pcie::Tlp large;
  large.kind = pcie::TlpKind::MemoryWrite;
  large.payload.resize(256);  // the maximum payload is 128 bytes after reset
  EXPECT_TRUE(refuse_from_below(bridge, large).has_value());
  pcie::Tlp completion;
  completion.kind = pcie::TlpKind::Completion;
  bridge.write(config::kCommand, 0x3, 0);
  EXPECT_FALSE(refuse_from_below(bridge, completion).has_value());
}

TEST_F(BridgeTest, StatusBitsAreClearedByWritingOne) {
  pcie::Tlp poisoned;
  poisoned.poisoned = true;
  bridge.note_poisoned(Bridge::Side::Secondary, poisoned);
  EXPECT_EQ(bridge.read(config::kIoBase) >> 16, 0x8000u);
  bridge.write(config::kIoBase, 0xc, 0);
  EXPECT_EQ(bridge.read(config::kIoBase) >> 16, 0x8000u);
  bridge.write(config::kIoBase, 0xc, 0x8000'0000);
  EXPECT_EQ(bridge.read(config::kIoBase) >> 16, 0u);
}

TEST_F(BridgeTest, RetrainLinkGoesThroughRecoveryAndSaysSo) {
  Link link{scheduler, 1, "below", LinkParameters{}, [](bool) {}};
  bridge.set_link_below(link);
  link.set_retrain_sink([this] { bridge.note_retrained(); });
  const unsigned control = capability(config::kCapExpress) + config::kExpressLinkControl;
  EXPECT_NE(bridge.read(capability(config::kCapExpress) + config::kExpressLinkCapabilities) & (1u << 21), 0u);
  bridge.write(control, 0x3, 1u << 5);
  EXPECT_EQ(bridge.read(control) & (1u << 5), 0u) << "Retrain Link reads 0";
  EXPECT_EQ(bridge.read(control) >> 16, 0x3883u) << "active and in training";
  scheduler.run_until(kRecoveryTime - Time{1});
  EXPECT_EQ(bridge.read(control) >> 16, 0x3883u);
  scheduler.run_until(kRecoveryTime);
  EXPECT_EQ(bridge.read(control) >> 16, 0x7083u) << "Link Bandwidth Management Status";
  bridge.write(control, 0xc, 0x4000'0000);
  EXPECT_EQ(bridge.read(control) >> 16, 0x3083u);
}

TEST_F(BridgeTest, BothEndsOfALinkSayThatTheySupportLowPowerAndControlIt) {
  Link link{scheduler, 1, "between", LinkParameters{}, [](bool) {}};
  Bridge below{scheduler, writes, identity(FunctionKind::SwitchUpstream)};
  bridge.set_link_below(link);
  below.set_link_above(link);
  const unsigned express = capability(config::kCapExpress);
  for (Bridge* port : {&bridge, &below}) {
    // L0s and L1, which take 128 ns to less than 256 ns and 2 us to less than 4 us to leave; ASPM Optionality
    // Compliance.
    const std::uint32_t capabilities = port->read(express + config::kExpressLinkCapabilities);
    EXPECT_EQ(capabilities >> 10 & 3, 3u);
    EXPECT_EQ(capabilities >> 12 & 7, 2u);
    EXPECT_EQ(capabilities >> 15 & 7, 2u);
    EXPECT_EQ(capabilities >> 22 & 1, 1u);
  }
  const unsigned control = express + config::kExpressLinkControl;
  const auto states = [&] {
    scheduler.run_until(scheduler.now() + 20_us);
    return std::pair{link.down().power_state(), link.up().power_state()};
  };
  EXPECT_EQ(states(), (std::pair{PowerState::L0, PowerState::L0}));
  bridge.write(control, 0x1, 1);
  EXPECT_EQ(bridge.read(control) & 3, 1u);
  EXPECT_EQ(states(), (std::pair{PowerState::L0s, PowerState::L0}));
  below.write(control, 0x1, 3);
  EXPECT_EQ(states(), (std::pair{PowerState::L0s, PowerState::L0s})) << "L1 at one end only";
  bridge.write(control, 0x1, 2);
  EXPECT_EQ(states(), (std::pair{PowerState::L1, PowerState::L1}));
  below.reset();
  EXPECT_EQ(below.read(control) & 3, 0u);
  EXPECT_EQ(states(), (std::pair{PowerState::L0, PowerState::L0}));
  below.write(control, 0x1, 3);
  EXPECT_EQ(states(), (std::pair{PowerState::L1, PowerState::L1}));
  bridge.reset();
  EXPECT_EQ(states(), (std::pair{PowerState::L0, PowerState::L0s}));
}

TEST_F(BridgeTest, TheSlotsPowerControllerReachesTheLink) {
  Link link{scheduler, 1, "below", LinkParameters{}, [this](bool) { bridge.note_link_state(); }};
  bridge.set_link_below(link);
  const unsigned slot = capability(config::kCapExpress) + config::kExpressSlotControl;
  EXPECT_NE(bridge.read(slot - 4) & (1u << 1), 0u) << "Power Controller Present";
  EXPECT_EQ(bridge.read(slot) >> 16, 1u << 6);
  bridge.write(slot, 0x3, 1u << 10);
  EXPECT_FALSE(link.is_up());
  EXPECT_FALSE(link.is_training());
  EXPECT_EQ(bridge.read(slot) >> 16, (1u << 6) | (1u << 8)) << "the state of the link changed, the card is still there";
  scheduler.run_until(kTrainingTime * 2);
  EXPECT_FALSE(link.is_up());
  bridge.write(slot, 0x3, 0);
  scheduler.run_until(kTrainingTime * 3);
  EXPECT_TRUE(link.is_up());
  bridge.write(slot, 0xc, 0x0100'0000);
  EXPECT_EQ(bridge.read(slot) >> 16, 1u << 6);
}

TEST_F(BridgeTest, SecondaryBusResetAndLinkDisableReachTheLink) {
  Link link{scheduler, 1, "below", LinkParameters{}, [](bool) {}};
  bridge.set_link_below(link);
  const unsigned status = capability(config::kCapExpress) + config::kExpressLinkControl;
  EXPECT_EQ(bridge.read(status) >> 16, 0x3083u);  // slot clock, active, x8, 8 GT/s
  bridge.write(config::kInterruptLine, 0xc, std::uint32_t{config::kBridgeControlSecondaryReset} << 16);
  EXPECT_FALSE(link.is_up());
  bridge.write(config::kInterruptLine, 0xc, 0);
  scheduler.run_until(kTrainingTime);
  EXPECT_TRUE(link.is_up());
  bridge.write(status, 0x1, 1u << 4);
  EXPECT_FALSE(link.is_up());
  EXPECT_EQ(bridge.read(status) >> 16, 0x1001u);
}

TEST(UpstreamPort, CapturesItsBusFromAConfigurationWrite) {
  Scheduler scheduler;
  Writes writes;
  Bridge::Identity identity;
  identity.kind = FunctionKind::SwitchUpstream;
  Bridge bridge{scheduler, writes, identity};
  pcie::Tlp request;
  request.kind = pcie::TlpKind::ConfigWrite0;
  request.target = pcie::Bdf{0, 9, 2, 0}.requester_id();
  request.requester = 0x0000;
  request.tag = 5;
  request.register_offset = config::kPrimaryBus;
  request.first_be = 0x1;
  request.length_dw = 1;
  request.payload.resize(4, std::byte{9});
  const pcie::Tlp answer = bridge.complete(request);
  EXPECT_EQ(answer.kind, pcie::TlpKind::Completion);
  EXPECT_EQ(answer.tag, 5);
  EXPECT_EQ(answer.completer, request.target);
  EXPECT_EQ(bridge.bdf(), (pcie::Bdf{0, 9, 2, 0}));
  request.target = pcie::Bdf{0, 9, 2, 1}.requester_id();
  EXPECT_EQ(bridge.complete(request).status, pcie::CompletionStatus::UnsupportedRequest);
}

}  // namespace
}  // namespace holdover::sim
