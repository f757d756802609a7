// SPDX-License-Identifier: MIT
// What a server says of its device, and how accesses reach the function.
#include <gmock/gmock.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/unit/vfio_user/served_session.h"

namespace holdover::serve {
namespace {

using namespace vfio_user;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;
namespace config = pcie::config;

class SessionTest : public ServedSession {
 protected:
  SessionTest() { establish(); }

  [[nodiscard]] RegionInfo region_info(std::uint32_t index, std::uint32_t argsz, std::size_t& bytes) {
    const auto reply = ask(Command::DeviceGetRegionInfo, bytes_of(RegionInfo{argsz, 0, index, 0, 0, 0}));
    bytes = reply ? reply->body.size() : 0;
    return reply ? parse_fixed<RegionInfo>(reply->body).value : RegionInfo{};
  }
  int connect_vectors(std::uint32_t start, std::span<const int> events, std::uint32_t count) {
    return error_of(Command::DeviceSetIrqs,
                    bytes_of(IrqSet{20, kIrqDataEventfd | kIrqActionTrigger, kIrqMsix, start, count}), events);
  }
  int set_irqs(std::uint32_t flags, std::uint32_t type, std::uint32_t start, std::uint32_t count) {
    return error_of(Command::DeviceSetIrqs, bytes_of(IrqSet{20, flags, type, start, count}));
  }
  static std::uint64_t taken(const FileDescriptor& event) {
    std::uint64_t count = 0;
    return ::read(event.number(), &count, sizeof count) == sizeof count ? count : 0;
  }
  FileDescriptor events_[ScriptedFunction::kVectors] = {
      FileDescriptor{::eventfd(0, EFD_NONBLOCK)}, FileDescriptor{::eventfd(0, EFD_NONBLOCK)},
      FileDescriptor{::eventfd(0, EFD_NONBLOCK)}, FileDescriptor{::eventfd(0, EFD_NONBLOCK)}};
  std::array<int, 4> numbers_{events_[0].number(), events_[1].number(), events_[2].number(), events_[3].number()};
  static constexpr std::uint32_t kDevCtl = ScriptedFunction::kExpress + config::kExpressDeviceControl;
};

TEST_F(SessionTest, DescribesAPciDeviceWithReset) {
  const auto reply = ask(Command::DeviceGetInfo, bytes_of(DeviceInfo{16, 0, 0, 0}));
  ASSERT_TRUE(reply);
  const DeviceInfo info = parse_fixed<DeviceInfo>(reply->body).value;
  EXPECT_EQ(info.flags, kDevicePci | kDeviceReset);
  EXPECT_EQ(info.num_irqs, kIrqTypes);
  EXPECT_EQ(error_of(Command::DeviceGetRegionInfo, bytes_of(RegionInfo{32, 0, info.num_regions, 0, 0, 0})), EINVAL);
}

TEST_F(SessionTest, RegionsHaveTheSizesOfTheFunction) {
  std::size_t bytes = 0;
  EXPECT_EQ(region_info(0, 32, bytes).size, 0x2000u);
  EXPECT_EQ(region_info(1, 32, bytes).size, 0u);
  EXPECT_EQ(region_info(kRegionRom, 32, bytes).flags, 0u);
  EXPECT_EQ(region_info(kRegionConfig, 32, bytes).size, 4096u);
}

TEST_F(SessionTest, ACapabilityThatDoesNotFitIsAskedForAgain) {
  std::size_t bytes = 0;
  RegionInfo info = region_info(kRegionDeviceSpecific, 32, bytes);
  EXPECT_EQ(bytes, sizeof(RegionInfo));
  EXPECT_EQ(info.argsz, 48u);
  EXPECT_EQ(info.cap_offset, 0u);
  info = region_info(kRegionDeviceSpecific, info.argsz, bytes);
  EXPECT_EQ(bytes, 48u);
  EXPECT_EQ(info.cap_offset, 32u);
}

TEST_F(SessionTest, TheClockRegionTellsTheTimeOfTheMachine) {
  function_.wait(7_us);
  const std::vector<std::byte> bytes = read_region(kRegionDeviceSpecific, 0, sizeof(ClockRegion));
  const ClockRegion clock = parse_fixed<ClockRegion>(bytes).value;
  EXPECT_EQ(clock.magic, kClockMagic);
  EXPECT_EQ(clock.picoseconds, (7_us).count());
  EXPECT_EQ(clock.function, 0x0100u);
  EXPECT_EQ(write(kRegionDeviceSpecific, 8, std::uint32_t{0}), EACCES);
}

TEST_F(SessionTest, BarsReadAsTheClientWroteThemAndStayWhereTheMachineNeedsThem) {
  EXPECT_EQ(write(kRegionConfig, config::kBar0, ~std::uint32_t{0}), 0);
  EXPECT_EQ(read32(kRegionConfig, config::kBar0), 0xffff'e000u) << "sizing";
  EXPECT_EQ(write(kRegionConfig, config::kBar0, std::uint32_t{0x1234'5678}), 0);
  EXPECT_EQ(read32(kRegionConfig, config::kBar0), 0x1234'4000u);
  EXPECT_EQ(write(kRegionConfig, config::kBar0 + 2, std::uint8_t{0xab}), 0);
  EXPECT_EQ(read32(kRegionConfig, config::kBar0), 0x12ab'4000u);
  EXPECT_EQ(write(kRegionConfig, config::kBar0 + 4, ~std::uint32_t{0}), 0);
  EXPECT_EQ(read32(kRegionConfig, config::kBar0 + 4), 0u) << "no BAR";
  EXPECT_EQ(function_.get(config::kBar0), ScriptedFunction::kBar0Address);
}

TEST_F(SessionTest, OneAccessHasTheWidthThatTheClientGaveIt) {
  function_.log.clear();
  EXPECT_EQ(write(kRegionConfig, config::kCommand, std::uint16_t{2}), 0);
  EXPECT_EQ(write(kRegionConfig, config::kCommand + 1, std::uint8_t{4}), 0);
  EXPECT_THAT(function_.log, ElementsAre("config 4 2 2", "config 5 1 4"));
  function_.log.clear();
  EXPECT_EQ(read_region(0, 0x10, 8).size(), 8u);
  EXPECT_EQ(read_region(0, 0x13, 6).size(), 6u);
  EXPECT_THAT(function_.log, ElementsAre("load 0 16 8", "load 0 19 1", "load 0 20 4", "load 0 24 1"));
}

TEST_F(SessionTest, TheMaximumPayloadIsTheMachines) {
  EXPECT_EQ(write(kRegionConfig, kDevCtl, std::uint16_t{0x285f}), 0);
  EXPECT_EQ(read32(kRegionConfig, kDevCtl) & 0xffff, 0x285fu);
  EXPECT_EQ(function_.get(kDevCtl) & 0xffff, 0x283fu);
}

TEST_F(SessionTest, TheLinkIsTheMachines) {
  for (const unsigned control : {config::kExpressLinkControl, config::kExpressLinkControl2}) {
    const unsigned offset = ScriptedFunction::kExpress + control;
    function_.put(offset, 0x42);
    EXPECT_EQ(write(kRegionConfig, offset, std::uint16_t{0x000b}), 0);
    EXPECT_EQ(write(kRegionConfig, offset, std::uint32_t{0x000b}), 0);
    EXPECT_EQ(write(kRegionConfig, offset, std::uint8_t{0x0b}), 0);
    EXPECT_EQ(read32(kRegionConfig, offset), 0x42u);
  }
}

TEST_F(SessionTest, AFunctionLevelResetByConfigurationSpaceClearsWhatTheClientSees) {
  ASSERT_EQ(connect_vectors(0, numbers_, 4), 0);
  write(kRegionConfig, config::kBar0, std::uint32_t{0x1234'0000});
  EXPECT_EQ(write(kRegionConfig, kDevCtl, std::uint16_t{0x8000}), 0);
  EXPECT_EQ(function_.resets, 1u);
  EXPECT_EQ(read32(kRegionConfig, config::kBar0), 0u);
  EXPECT_TRUE(function_.unmasked(0)) << "the table is the server's";
  EXPECT_EQ(function_.get(config::kCommand) & 2, 0u) << "it is the client who turns decoding on";
  write(kRegionConfig, config::kBar0, std::uint32_t{0x1234'0000});
  write(kRegionConfig, config::kCommand, std::uint16_t{2});
  EXPECT_EQ(function_.get(config::kBar0), ScriptedFunction::kBar0Address);
  EXPECT_EQ(read32(kRegionConfig, config::kBar0), 0x1234'0000u);
}

TEST_F(SessionTest, BarsComeBackWhenTheClientTurnsDecodingOn) {
  EXPECT_EQ(write(kRegionConfig, kDevCtl, std::uint16_t{0x8000}), 0);
  EXPECT_EQ(function_.get(config::kBar0), 0u);
  write(kRegionConfig, config::kCommand, std::uint16_t{4});
  EXPECT_EQ(function_.get(config::kBar0), 0u);
  write(kRegionConfig, config::kCommand, std::uint8_t{6});
  EXPECT_EQ(function_.get(config::kBar0), ScriptedFunction::kBar0Address);
}

TEST_F(SessionTest, AResetByMessageLeavesTheFunctionAsItWas) {
  ASSERT_EQ(connect_vectors(0, numbers_, 4), 0);
  write(kRegionConfig, config::kBar0, std::uint32_t{0x1234'0000});
  write(kRegionConfig, config::kCommand, std::uint16_t{6});
  EXPECT_EQ(error_of(Command::DeviceReset, {}), 0);
  EXPECT_EQ(function_.resets, 1u);
  EXPECT_EQ(function_.get(config::kCommand) & 0xffff, 6u);
  EXPECT_EQ(function_.get(config::kBar0), ScriptedFunction::kBar0Address);
  EXPECT_EQ(read32(kRegionConfig, config::kBar0), 0x1234'0000u);
  EXPECT_TRUE(function_.unmasked(3));
  EXPECT_NE(function_.get(ScriptedFunction::kMsix + config::kMsixControl) & config::kMsixControlEnable, 0u);
}

TEST_F(SessionTest, NoMessageTurnsInterruptsOnInD3hot) {
  constexpr unsigned kControl = ScriptedFunction::kPower + config::kPmControl;
  write(kRegionConfig, kControl, std::uint16_t{3});
  EXPECT_EQ(connect_vectors(0, numbers_, 4), EINVAL) << "as Linux refuses it";
  EXPECT_EQ(function_.unclaimed, 0u);
  write(kRegionConfig, kControl, std::uint16_t{0});
  EXPECT_EQ(connect_vectors(0, numbers_, 4), 0);
  EXPECT_TRUE(function_.unmasked(3));
}

TEST_F(SessionTest, WhatIsAskedOfInterruptsInD3hotIsThereInD0) {
  constexpr unsigned kControl = ScriptedFunction::kPower + config::kPmControl;
  ASSERT_EQ(connect_vectors(0, std::span(numbers_).first(2), 2), 0);
  write(kRegionConfig, kControl, std::uint16_t{3});
  EXPECT_EQ(connect_vectors(2, std::span(numbers_).first(1), 1), 0);
  EXPECT_EQ(set_irqs(kIrqDataNone | kIrqActionMask, kIrqMsix, 0, 1), 0);
  EXPECT_EQ(function_.unclaimed, 0u) << "nobody writes where nobody listens";
  write(kRegionConfig, kControl, std::uint8_t{0});
  EXPECT_FALSE(function_.unmasked(0));
  EXPECT_TRUE(function_.unmasked(1));
  EXPECT_TRUE(function_.unmasked(2));
  EXPECT_EQ(function_.get(config::kCommand) & 2, 0u) << "as the client left it";
  EXPECT_EQ(function_.resets, 0u);
}

TEST(SoftReset, OnTheWayFromD3hotIsNotSeenByTheClient) {
  ScriptedFunction function(false);
  ConfigView view(function);
  const auto write = [&](unsigned offset, std::uint16_t value, const std::function<void()>& when_ready) {
    view.write(offset, std::as_bytes(std::span(&value, 1)), when_ready);
  };
  const auto never = [] { FAIL(); };
  write(config::kCommand, 6, never);
  write(ScriptedFunction::kMsix + config::kMsixControl, config::kMsixControlEnable, never);
  write(ScriptedFunction::kExpress + config::kExpressDeviceControl, 0x2810, never);
  write(ScriptedFunction::kPower + config::kPmControl, 3, never);
  bool told = false;
  write(ScriptedFunction::kPower + config::kPmControl, 0, [&] { told = true; });
  EXPECT_TRUE(told);
  EXPECT_EQ(function.resets, 1u);
  EXPECT_EQ(function.get(config::kCommand) & 0xffff, 6u);
  EXPECT_EQ(function.get(config::kBar0), ScriptedFunction::kBar0Address);
  EXPECT_NE(function.get(ScriptedFunction::kMsix + config::kMsixControl) & config::kMsixControlEnable, 0u);
  EXPECT_EQ(function.get(ScriptedFunction::kExpress + config::kExpressDeviceControl) & 0xf81f, 0x2810u);
}

TEST_F(SessionTest, ConnectedVectorsAreUnmaskedAndTheirEventsRaised) {
  EXPECT_EQ(connect_vectors(1, std::span(numbers_).first(2), 2), 0);
  EXPECT_EQ(function_.unclaimed, 0u) << "the table is written while memory decode is on";
  EXPECT_EQ(function_.get(config::kCommand) & 2, 0u) << "and that is over";
  EXPECT_FALSE(function_.unmasked(0));
  EXPECT_TRUE(function_.unmasked(1));
  EXPECT_TRUE(function_.unmasked(2));
  session_->listener().on_vector(2);
  session_->listener().on_vector(2);
  EXPECT_EQ(taken(events_[1]), 2u);
  EXPECT_EQ(connect_vectors(1, {}, 1), 0);
  EXPECT_FALSE(function_.unmasked(1));
  EXPECT_EQ(set_irqs(kIrqDataNone | kIrqActionTrigger, kIrqMsix, 0, 0), 0);
  EXPECT_FALSE(function_.unmasked(2));
  EXPECT_EQ(function_.get(ScriptedFunction::kMsix + config::kMsixControl) & config::kMsixControlEnable, 0u);
}

TEST_F(SessionTest, ConnectedVectorsTurnMessagesOnAlsoWhereTheClientHasTurnedThemOff) {
  constexpr unsigned kControl = ScriptedFunction::kMsix + config::kMsixControl;
  ASSERT_EQ(connect_vectors(0, numbers_, 4), 0);
  EXPECT_EQ(write(kRegionConfig, kControl, std::uint16_t{0}), 0);
  ASSERT_EQ(function_.get(kControl) & config::kMsixControlEnable, 0u);
  EXPECT_EQ(connect_vectors(0, std::span(numbers_).first(1), 1), 0);
  EXPECT_NE(function_.get(kControl) & config::kMsixControlEnable, 0u);
  EXPECT_TRUE(function_.unmasked(3)) << "the others stay connected";
}

TEST_F(SessionTest, VectorsAreMaskedAndTriggeredOnRequest) {
  EXPECT_EQ(set_irqs(kIrqDataNone | kIrqActionTrigger, kIrqMsix, 0, 1), EINVAL) << "they are off";
  ASSERT_EQ(connect_vectors(0, numbers_, 4), 0);
  EXPECT_EQ(set_irqs(kIrqDataNone | kIrqActionMask, kIrqMsix, 1, 2), 0);
  EXPECT_TRUE(function_.unmasked(0));
  EXPECT_FALSE(function_.unmasked(1));
  EXPECT_EQ(error_of(Command::DeviceSetIrqs, bytes_of(IrqSet{22, kIrqDataBool | kIrqActionUnmask, kIrqMsix, 1, 2},
                                                      std::uint8_t{0}, std::uint8_t{1})),
            0);
  EXPECT_FALSE(function_.unmasked(1));
  EXPECT_TRUE(function_.unmasked(2));
  EXPECT_EQ(set_irqs(kIrqDataNone | kIrqActionTrigger, kIrqMsix, 3, 1), 0);
  EXPECT_EQ(taken(events_[3]), 1u);
}

TEST_F(SessionTest, ErrorsOfTheFunctionAreAnInterrupt) {
  EXPECT_EQ(error_of(Command::DeviceSetIrqs, bytes_of(IrqSet{20, kIrqDataEventfd | kIrqActionTrigger, kIrqError, 0, 1}),
                     std::span(numbers_).first(1)),
            0);
  session_->listener().on_error();
  EXPECT_EQ(taken(events_[0]), 1u);
}

TEST_F(SessionTest, InterruptsThatAreNotThereAreRefused) {
  const FileDescriptor file{::memfd_create("none", MFD_CLOEXEC)};
  const std::array<int, 1> no_event{file.number()};
  EXPECT_EQ(connect_vectors(0, no_event, 1), EINVAL);
  EXPECT_EQ(connect_vectors(4, std::span(numbers_).first(1), 1), EINVAL);
  EXPECT_EQ(connect_vectors(3, std::span(numbers_).first(2), 2), EINVAL);
  EXPECT_EQ(set_irqs(kIrqDataNone | kIrqActionTrigger, kIrqMsi, 0, 0), EINVAL);
  EXPECT_EQ(set_irqs(kIrqDataNone | kIrqActionMask, kIrqError, 0, 1), ENOTTY);
}

TEST_F(SessionTest, WritesIntoTheInterruptTableAreDropped) {
  EXPECT_EQ(write(0, ScriptedFunction::kTable + 12, std::uint32_t{0}), 0);
  EXPECT_FALSE(function_.unmasked(0));
  EXPECT_EQ(write(0, ScriptedFunction::kTable - 4, std::uint64_t{0}), 0) << "four bytes of it are the table's";
  EXPECT_THAT(function_.log, Contains("store 0 4092 4"));
  EXPECT_THAT(function_.log, Not(Contains("store 0 4096 4")));
}

TEST_F(SessionTest, ARequestWithoutReplyHasItsEffectBeforeTheNext) {
  send(Command::RegionWrite, bytes_of(RegionAccess{0x20, 0, 4}, std::uint32_t{0x55}), {}, kFlagNoReply);
  EXPECT_EQ(read32(0, 0x20), 0x55u);
  send(Command::RegionWrite, bytes_of(RegionAccess{0x20, 9, 4}, std::uint32_t{0x55}), {}, kFlagNoReply);
  ASSERT_TRUE(pump());
  EXPECT_FALSE(receive().has_value()) << "an error is not told either";
}

TEST_F(SessionTest, AServerThatIsToEndTakesNoFurtherRequest) {
  std::atomic<bool> stop{true};
  send(Command::DeviceReset, {});
  EXPECT_TRUE(session_->pump(&stop));
  EXPECT_FALSE(receive().has_value());
  stop = false;
  EXPECT_TRUE(session_->pump(&stop));
  EXPECT_TRUE(receive().has_value());
}

TEST_F(SessionTest, WhatAResetKeepsDoesNotReachTheNextClient) {
  constexpr unsigned kExpress = ScriptedFunction::kExpress;
  constexpr unsigned kAer = ScriptedFunction::kAer;
  const std::vector<std::byte> found = read_region(kRegionConfig, 0, 4096);
  for (const unsigned offset :
       {config::kExpressLinkControl, config::kExpressLinkControl2, config::kExpressDeviceControl2}) {
    EXPECT_EQ(write(kRegionConfig, kExpress + offset, std::uint16_t{0x0003}), 0);
  }
  EXPECT_EQ(write(kRegionConfig, kExpress + config::kExpressDeviceControl, std::uint16_t{0x110f}), 0);
  for (const unsigned offset :
       {config::kAerUncorrectableMask, config::kAerUncorrectableSeverity, config::kAerCorrectableMask}) {
    EXPECT_EQ(write(kRegionConfig, kAer + offset, std::uint32_t{0x0010'1010}), 0);
  }
  EXPECT_EQ(write(kRegionConfig, config::kInterruptLine, std::uint8_t{9}), 0);
  function_.put(kAer + config::kAerUncorrectableStatus, config::kAerUnsupported);
  function_.put(kAer + config::kAerCorrectableStatus, config::kAerAdvisoryNonFatal);
  function_.put(config::kCommand, 0xf910'0006);
  session_.reset();
  auto ends = vfio_user::testing::connected();
  client_ = MessageSocket(std::move(ends.first), {1 << 21, 16});
  session_.emplace(std::move(ends.second), function_, memory_);
  establish();
  EXPECT_EQ(read_region(kRegionConfig, 0, 4096), found);
}

TEST_F(SessionTest, WhatAClientLeavesBehindIsNothing) {
  ASSERT_EQ(connect_vectors(0, numbers_, 4), 0);
  write(kRegionConfig, config::kCommand, std::uint16_t{6});
  session_.reset();
  EXPECT_EQ(function_.resets, 1u);
  EXPECT_EQ(function_.get(config::kCommand) & 0xffff, 0u);
  EXPECT_EQ(function_.get(config::kBar0), ScriptedFunction::kBar0Address);
  EXPECT_FALSE(function_.unmasked(0));
}

}  // namespace
}  // namespace holdover::serve
