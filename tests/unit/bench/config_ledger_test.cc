// SPDX-License-Identifier: MIT
// Check 3: what may never change, what may change for a moment, what must come back, and what does not count.
#include "bench/ledger/config_ledger.h"

#include "pcie/config_space.h"
#include "tests/support/bench_scene.h"

namespace holdover::bench::testing {
namespace {

namespace config = pcie::config;

constexpr unsigned kPower = 0x40;
constexpr unsigned kMsix = 0x50;
constexpr unsigned kExpress = 0x60;
constexpr unsigned kAer = 0x100;
constexpr unsigned kDpc = 0x180;

class Config : public BenchScene {
 protected:
  Config() : ledger(scene, evidence) {
    for (sim::FunctionIndex i = 0; i < scene.functions().size(); ++i) spaces.push_back(space(i < 4));
    ledger.begin(spaces);
    mark(us(1), pcie::Phase::Preserve, pcie::Step::FunctionPreserved, pcie::Bdf::parse("03:00.0").requester_id());
    open_window(us(1));
    ledger.open_window(us(1), spaces);
    mark(us(2), pcie::Phase::Shutdown);
  }

  static ConfigShadow space(bool bridge) {
    ConfigShadow shadow;
    shadow.set(0x00, 0x0d17'1172);
    shadow.set(config::kCommand, 0x0010'0006);
    shadow.set(0x0c, bridge ? 0x0001'0000 : 0);
    shadow.set(config::kBar0, bridge ? 0 : 0xe000'0000);
    if (bridge) shadow.set(config::kPrimaryBus, 0x0002'0100);
    shadow.set(config::kCapabilityPointer, kPower);
    shadow.set(kPower, 0x0003'0001 | (kMsix << 8));
    shadow.set(kMsix, 0x801f'0011 | (kExpress << 8));
    shadow.set(kExpress, 0x0002'0010);
    shadow.set(kExpress + 8, 0x0000'2130);
    shadow.set(kAer, 0x0002'0001 | (kDpc << 20));
    shadow.set(kDpc, 0x0001'001d);
    shadow.set(kAer + config::kAerUncorrectableSeverity, 0x0004'0010);
    std::vector<std::byte> bytes(4096);
    for (unsigned offset = 0; offset < 0x200; offset += 4) {
      const std::uint32_t value = shadow.at(offset);
      std::memcpy(bytes.data() + offset, &value, 4);
    }
    return ConfigShadow(bytes);
  }

  void write(Time time, sim::FunctionIndex function, unsigned offset, std::uint32_t written, std::uint32_t after) {
    ledger.on_write(
        {time, function, static_cast<std::uint16_t>(offset), 0xf, written, spaces[function].at(offset), after});
    spaces[function].set(offset, after);
  }
  void close(bool complete = true) { ledger.close_window(us(100), spaces, complete); }

  void jump(Time time) {
    scene.on_jump(time);
    mark(time + us(1), pcie::Phase::EarlyBoot);
  }

  std::vector<ConfigShadow> spaces;
  ConfigLedger ledger;
};

TEST_F(Config, ClearingBusMasterEnableOfThePathIsFoundAndNamed) {
  write(us(3), kRootPort, config::kCommand, 0x2, 0x0010'0002);
  write(us(4), kRootPort, config::kCommand, 0x6, 0x0010'0006);
  EXPECT_EQ(first(Check::Configuration),
            "bus master enable cleared at 0000:00:01.0 (root port 0), which may never change in the window");
  EXPECT_EQ(cause(Check::Configuration),
            "bus master enable cleared at 0000:00:01.0 (root port 0) by kernel A, phase shutdown, 3.000 us");
}

TEST_F(Config, TriggeringContainmentIsAnActAndItsStatusIsNotCompared) {
  write(us(3), kRootPort, kDpc + config::kDpcCapability, 0x0041'0000, 0x0001'0000);
  EXPECT_EQ(first(Check::Configuration),
            "downstream port containment trigger written at 0000:00:01.0 (root port 0), which may never change in the "
            "window");
  const auto found = count(Check::Configuration);
  write(us(4), kRootPort, kDpc + config::kDpcCapability, 0, 0);
  write(us(5), kRootPort, kDpc + config::kDpcStatus, 0, 0x0300'0025);
  close();
  EXPECT_EQ(count(Check::Configuration), found) << first(Check::Configuration);
}

TEST_F(Config, TheNeighboursOwnRegistersAreNotJudged) {
  write(us(3), kEndpoint1, config::kCommand, 0, 0x0010'0000);
  close();
  EXPECT_EQ(count(Check::Configuration), 0u) << first(Check::Configuration);
}

TEST_F(Config, SizingABarIsAllowedAndItsLengthMeasured) {
  write(us(3), kEndpoint0, config::kBar0, 0xffff'ffff, 0xffff'0000);
  write(us(5), kEndpoint0, config::kBar0, 0xe000'0000, 0xe000'0000);
  close();
  EXPECT_EQ(count(Check::Configuration), 0u) << first(Check::Configuration);
  EXPECT_EQ(ledger.longest_window(), us(2));
  EXPECT_EQ(ledger.momentary(), 1u);
}

TEST_F(Config, ABarThatIsNotRestoredIsFound) {
  write(us(3), kEndpoint0, config::kBar0, 0xffff'ffff, 0xffff'0000);
  close();
  EXPECT_NE(first(Check::Configuration).find("is 0xffff0000 after the update and was 0xe0000000 before"),
            std::string::npos);
  EXPECT_NE(cause(Check::Configuration).find("last written 0xffffffff by kernel A, phase shutdown"), std::string::npos);
}

TEST_F(Config, ABarThatIsNotRestoredIsFoundWhenItsPhaseEnds) {
  write(us(3), kEndpoint0, config::kBar0, 0xffff'ffff, 0xffff'0000);
  ledger.on_phase_end(us(9));
  EXPECT_NE(first(Check::Configuration).find("was sized and not written back by the end of phase shutdown"),
            std::string::npos);
}

TEST_F(Config, ABarThatMovesIsFoundAtOnce) {
  write(us(3), kEndpoint0, config::kBar0, 0xd000'0000, 0xd000'0000);
  EXPECT_NE(first(Check::Configuration).find("moved from 0xe0000000 to 0xd0000000"), std::string::npos);
}

TEST_F(Config, WhatTheShutdownLeftIsOnlyFoundAfterACompleteUpdate) {
  for (const bool complete : {false, true}) {
    write(us(3), kRootPort, config::kCommand, 0x0406, 0x0010'0406);
    write(us(3), kRootPort, 0xa0, 0, 0x1);
    jump(us(4));
    write(us(6), kRootPort, config::kCommand, 0xffff'0406, 0x0010'0406);  // of the register, status alone
    close(complete);
    EXPECT_EQ(count(Check::Configuration), complete ? 2u : 0u) << first(Check::Configuration);
  }
}

TEST_F(Config, WhatTheNextKernelChangedIsFoundAfterAnIncompleteUpdate) {
  jump(us(4));
  write(us(6), kRootPort, 0xa0, 1, 1);
  close(false);
  EXPECT_EQ(count(Check::Configuration), 1u);
}

TEST_F(Config, NoShutdownMayLeaveWhatANextKernelNeedNotComeTo) {
  write(us(3), kEndpoint0, config::kBar0, 0xffff'ffff, 0xffff'0000);
  write(us(3), kUpstreamPort, config::kPrimaryBus, 0x0003'0100, 0x0003'0100);  // judged at once, and again
  write(us(3), kUpstreamPort, config::kPrefetchBase, 0xffff'ffff, 0xfff1'fff1);
  write(us(3), kEndpoint0, config::kCommand, 0x4, 0x0010'0004);
  const auto at_once = count(Check::Configuration);
  jump(us(4));
  close(false);
  EXPECT_EQ(count(Check::Configuration), at_once + 4);
}

TEST_F(Config, BusNumbersPowerStateAndPayloadSizeMayNotChangeForAMoment) {
  write(us(3), kUpstreamPort, config::kPrimaryBus, 0, 0);
  EXPECT_NE(first(Check::Configuration).find("bus numbers changed from 0x20100 to 0x0"), std::string::npos);
  write(us(4), kEndpoint0, kPower + 4, 3, 3);
  write(us(5), kEndpoint0, kExpress + 8, 0x2110, 0x2110);
  EXPECT_EQ(count(Check::Configuration), 3u);
}

TEST_F(Config, InitiatingAFunctionLevelResetIsFoundThoughTheBitReadsZero) {
  write(us(3), kEndpoint0, kExpress + 8, 0xa130, 0x2130);
  EXPECT_EQ(first(Check::Configuration),
            "initiate function level reset written at 0000:03:00.0 (endpoint 0), which may never change in the window");
}

TEST_F(Config, MsixEnableMayNotFallAndFunctionMaskMay) {
  write(us(3), kEndpoint0, kMsix, 0xc000'0000, 0xc01f'6011);
  write(us(4), kEndpoint0, kMsix, 0x8000'0000, 0x801f'6011);
  close();
  EXPECT_EQ(count(Check::Configuration), 0u) << first(Check::Configuration);
}

TEST_F(Config, EqualValuesAndStatusBitsDoNotCount) {
  write(us(3), kEndpoint0, kExpress + 8, 0x2130, 0x0009'2130);   // Device Status
  write(us(4), kEndpoint0, config::kInterruptLine, 0x0b, 0x0b);  // Interrupt Line
  write(us(5), kRootPort, config::kIoBase, 0, 0xa000'0000);      // Secondary Status
  close();
  EXPECT_EQ(count(Check::Configuration), 0u) << first(Check::Configuration);
}

TEST_F(Config, WhatErrorsLeaveInAerDoesNotCount) {
  write(us(3), kEndpoint0, kAer + config::kAerUncorrectableStatus, 0, config::kAerPoisoned);
  write(us(3), kEndpoint0, kAer + config::kAerCorrectableStatus, 0, config::kAerAdvisoryNonFatal);
  write(us(3), kEndpoint0, kAer + config::kAerControl, 0, 12);  // First Error Pointer
  for (unsigned n = 0; n < 4; ++n) write(us(3), kEndpoint0, kAer + config::kAerHeaderLog + 4 * n, 0, 0x4000'0001 + n);
  close();
  EXPECT_EQ(count(Check::Configuration), 0u) << first(Check::Configuration);
}

TEST_F(Config, MasksAndSeveritiesOfAerMayNotChangeForAMoment) {
  for (const unsigned offset :
       {config::kAerUncorrectableMask, config::kAerUncorrectableSeverity, config::kAerCorrectableMask}) {
    const std::uint32_t before = spaces[kEndpoint0].at(kAer + offset);
    write(us(3), kEndpoint0, kAer + offset, before ^ 0x1000, before ^ 0x1000);
    write(us(4), kEndpoint0, kAer + offset, before, before);
  }
  EXPECT_EQ(count(Check::Configuration), 6u);
  EXPECT_NE(first(Check::Configuration).find("uncorrectable error mask"), std::string::npos)
      << first(Check::Configuration);
}

TEST_F(Config, MasterAbortModeMayBeClearedAndRestored) {
  spaces[kRootPort].set(0x3c, 0x0020'0000);
  ledger.open_window(us(1), spaces);
  write(us(3), kRootPort, 0x3c, 0, 0);
  write(us(4), kRootPort, 0x3c, 0x0020'0000, 0x0020'0000);
  close();
  EXPECT_EQ(count(Check::Configuration), 0u) << first(Check::Configuration);
}

TEST_F(Config, ABridgesMemoryWindowMayNotChangeForAMoment) {
  write(us(3), kRootPort, config::kMemoryBase, 0, 0x0010'0000);
  write(us(4), kRootPort, config::kMemoryBase, 0, 0);
  EXPECT_NE(first(Check::Configuration).find("memory window changed from 0x0 to 0x10000 at"), std::string::npos)
      << first(Check::Configuration);
}

TEST_F(Config, ABridgesPrefetchableWindowMayOnlyBeTriedOut) {
  write(us(3), kRootPort, config::kPrefetchBase, 0xffe0'fff0, 0xfff0'fff0);
  write(us(4), kRootPort, config::kPrefetchBase, 0, 0);
  EXPECT_EQ(count(Check::Configuration), 0u) << first(Check::Configuration);
  write(us(5), kRootPort, config::kPrefetchBase, 0x0010'0000, 0x0010'0000);
  write(us(6), kRootPort, config::kPrefetchBase, 0, 0);
  EXPECT_EQ(count(Check::Configuration), 1u);
  EXPECT_NE(first(Check::Configuration).find("moved from 0x00000000 to 0x00100000"), std::string::npos);
}

TEST_F(Config, ARomBarMayOnlyBeSized) {
  write(us(3), kEndpoint0, config::kRomBar, 0xffff'f800, 0xffff'0000);
  write(us(4), kEndpoint0, config::kRomBar, 0, 0);
  EXPECT_EQ(count(Check::Configuration), 0u) << first(Check::Configuration);
  write(us(5), kEndpoint0, config::kRomBar, 0x1000'0001, 0x1000'0001);
  EXPECT_EQ(count(Check::Configuration), 1u);
}

TEST_F(Config, DecodingThatIsOffForLongerThanItsPhaseIsFound) {
  write(us(3), kEndpoint0, config::kCommand, 0x4, 0x0010'0004);
  write(us(4), kEndpoint0, config::kCommand, 0x6, 0x0010'0006);
  ledger.on_phase_end(us(5));
  EXPECT_EQ(count(Check::Configuration), 0u) << first(Check::Configuration);
  write(us(6), kEndpoint0, config::kCommand, 0x4, 0x0010'0004);
  ledger.on_phase_end(us(7));
  EXPECT_NE(first(Check::Configuration).find("was changed and not written back by the end of phase"),
            std::string::npos);
}

TEST_F(Config, InterruptsOfAPortMayBeOffBetweenTwoKernelsAndThoseOfAnEndpointMayNot) {
  for (const sim::FunctionIndex function : {kRootPort, kEndpoint0}) spaces[function].set(config::kCommand, 0x0010'0406);
  ledger.open_window(us(2), spaces);
  write(us(3), kRootPort, config::kCommand, 0x6, 0x0010'0006);
  ledger.on_phase_end(us(4));
  EXPECT_EQ(count(Check::Configuration), 0u) << first(Check::Configuration);
  write(us(5), kEndpoint0, config::kCommand, 0x6, 0x0010'0006);
  ledger.on_phase_end(us(6));
  EXPECT_EQ(count(Check::Configuration), 1u);
  write(us(7), kEndpoint0, config::kCommand, 0x406, 0x0010'0406);
  close();
  EXPECT_EQ(count(Check::Configuration), 2u) << "the port has them back when the window closes";
}

}  // namespace
}  // namespace holdover::bench::testing
