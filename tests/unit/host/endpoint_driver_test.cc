// SPDX-License-Identifier: MIT
// The endpoint's driver against an endpoint made of plain C++.
#include "host/driver/endpoint_driver.h"

#include <gtest/gtest.h>

#include <cstring>

#include "pcie/error.h"
#include "pcie/pattern.h"
#include "tests/support/fake_system.h"

namespace holdover::host {
namespace {

using testing::FakeDevice;
using testing::FakeEndpoint;
using testing::FakeSystem;
using testing::FakeWorld;

constexpr Iova kIova{0x40'0000};
constexpr DmaPlace kDescriptors{0, 0};
constexpr DmaPlace kCompletions{0, 4096};
constexpr DmaPlace kBuffer{0, 8192 + 3};

class Driver : public ::testing::Test {
 protected:
  std::unique_ptr<EndpointDriver> open() { return EndpointDriver::open(system_, device_, *state_); }

  std::unique_ptr<EndpointDriver> resume(const std::vector<Memory*>& regions) {
    return EndpointDriver::resume(system_, device_, *state_, regions);
  }

  std::unique_ptr<EndpointDriver> open_with_memory() {
    space_->map(*memory_, Bytes{0}, kIova, kPageSize * 4, true);
    device_.attach(*space_);
    device_.enable_bus_master();
    auto driver = open();
    driver->add_region(*memory_, kIova);
    return driver;
  }

  static ChannelConfig copying(ChannelConfig::Direction direction) {
    ChannelConfig config;
    config.direction = direction;
    config.entries = 4;
    config.descriptors = kDescriptors;
    config.completions = kCompletions;
    return config;
  }

  static ChannelConfig cyclic() {
    ChannelConfig config = copying(ChannelConfig::Direction::CardToHost);
    config.cyclic = true;
    config.pattern = true;
    config.seed = 5;
    config.vector = 0;
    return config;
  }

  std::string refusal(const std::function<void()>& action) {
    try {
      action();
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  FakeWorld world_{1};
  FakeSystem system_{world_, false};
  FakeEndpoint& endpoint_ = *world_.endpoints.front();
  FakeDevice device_{endpoint_};
  std::unique_ptr<Memory> state_ = system_.create_memory(kPageSize);
  std::unique_ptr<Memory> memory_ = system_.create_memory(kPageSize * 4);
  std::unique_ptr<AddressSpace> space_ = system_.create_address_space();
};

TEST_F(Driver, OpensAnEndpointOfItsRegisterMap) {
  const auto driver = open();
  EXPECT_EQ(driver->channels(), 4u);
  EXPECT_EQ(driver->vectors(), 32u);
  EXPECT_EQ(driver->clocks(500), std::chrono::nanoseconds(2000));
  EXPECT_EQ(endpoint_.resets, 0u);
}

TEST_F(Driver, SaysWhichFunctionIsNoEndpoint) {
  endpoint_.id = 0x1234;
  EXPECT_EQ(refusal([&] { open(); }),
            "the function at 0000:01:00.0 is no Holdover endpoint: register ID reads 0x00001234, expected 0x484f4c44");
}

TEST_F(Driver, SaysThatAFunctionDoesNotAnswer) {
  endpoint_.answers = false;
  EXPECT_NE(refusal([&] { open(); }).find("does not answer"), std::string::npos);
}

TEST_F(Driver, RefusesAnotherRegisterMap) {
  endpoint_.version = 2;
  EXPECT_EQ(refusal([&] { open(); }),
            "the endpoint at 0000:01:00.0 has register map 2; this driver knows register map 1");
}

TEST_F(Driver, RefusesABarThatIsTooSmall) {
  device_.bar0_size = Bytes{4096};
  EXPECT_NE(refusal([&] { open(); }).find("BAR 0 has 4096 bytes"), std::string::npos);
}

TEST_F(Driver, ResetsAnEndpointThatSomebodyLeftRunning) {
  endpoint_.write(regs::heartbeat_writer::kControl, 1);
  open();
  EXPECT_EQ(endpoint_.resets, 1u);
  EXPECT_EQ(endpoint_.read(regs::heartbeat_writer::kControl), 0u);
}

TEST_F(Driver, CopiesToTheCardAndBack) {
  const auto driver = open_with_memory();
  const std::span<std::byte> buffer = driver->bytes(kBuffer, Bytes{1001});
  pcie::fill_pattern(buffer, 1, 0, 0);
  driver->configure(1, copying(ChannelConfig::Direction::HostToCard));
  driver->start(1);
  EXPECT_EQ(driver->copy(1, kBuffer, 0x123, 1001), DmaStatus::Ok);
  driver->stop(1);
  std::fill(buffer.begin(), buffer.end(), std::byte{0});

  driver->configure(1, copying(ChannelConfig::Direction::CardToHost));
  driver->start(1);
  EXPECT_EQ(driver->copy(1, kBuffer, 0x123, 1001), DmaStatus::Ok);
  EXPECT_EQ(pcie::first_mismatch(buffer, 1, 0, 0), 1001u);
}

TEST_F(Driver, CopiesMoreTimesThanTheRingHasEntries) {
  const auto driver = open_with_memory();
  driver->configure(0, copying(ChannelConfig::Direction::HostToCard));
  driver->start(0);
  for (unsigned n = 0; n < 11; ++n) {
    EXPECT_EQ(driver->copy(0, kBuffer, n, 1), DmaStatus::Ok) << n;
  }
  EXPECT_EQ(driver->channel_statistics(0).completed, 11u);
}

TEST_F(Driver, ReportsTheStatusOfACopyAsAValue) {
  const auto driver = open_with_memory();
  driver->configure(0, copying(ChannelConfig::Direction::HostToCard));
  driver->start(0);
  endpoint_.next_status = DmaStatus::Poisoned;
  EXPECT_EQ(driver->copy(0, kBuffer, 0, 64), DmaStatus::Poisoned);
  EXPECT_EQ(driver->copy(0, kBuffer, 0, 64), DmaStatus::Ok);
}

TEST_F(Driver, GivesUpACopyThatIsNeverReported) {
  const auto driver = open_with_memory();
  driver->configure(0, copying(ChannelConfig::Direction::HostToCard));
  driver->start(0);
  endpoint_.drops_completions = true;
  EXPECT_NE(refusal([&] { static_cast<void>(driver->copy(0, kBuffer, 0, 64)); }).find("reports no completion"),
            std::string::npos);
}

TEST_F(Driver, RingsRefuseWhatDoesNotFit) {
  const auto driver = open_with_memory();
  driver->configure(0, copying(ChannelConfig::Direction::HostToCard));
  for (unsigned n = 0; n < 4; ++n) {
    EXPECT_TRUE(driver->submit(0, {driver->iova(kBuffer).raw(), 0, 1, 0, n, 0}));
  }
  EXPECT_FALSE(driver->submit(0, {driver->iova(kBuffer).raw(), 0, 1, 0, 4, 0}));
}

TEST_F(Driver, StopNamesTheChannelThatDoesNotBecomeIdle) {
  const auto driver = open_with_memory();
  driver->configure(2, cyclic());
  driver->start(2);
  endpoint_.never_idle = true;
  EXPECT_NE(refusal([&] { driver->stop(2); }).find("channel 2 of the endpoint at 0000:01:00.0"), std::string::npos);
}

TEST_F(Driver, StopDoesNotTakeADeadFunctionForAnIdleOne) {
  const auto driver = open_with_memory();
  driver->configure(0, cyclic());
  driver->start(0);
  endpoint_.answers = false;
  EXPECT_NE(refusal([&] { driver->stop(0); }), "no error");
}

TEST_F(Driver, StopAllStopsTheOthersWhereOneDoesNot) {
  const auto driver = open_with_memory();
  driver->configure(0, cyclic());
  driver->start(0);
  HeartbeatConfig writer;
  writer.entries = 8;
  writer.ring = {0, 12288};
  driver->start_heartbeat_writer(writer);
  ASSERT_EQ(driver->running_streams(), 2u);
  endpoint_.never_idle = true;
  EXPECT_NE(refusal([&] { driver->stop_all(); }), "no error");
  EXPECT_FALSE(driver->heartbeat_writer_statistics().running);
}

TEST_F(Driver, ConfigureSaysThatAResetDoesNotEnd) {
  const auto driver = open_with_memory();
  endpoint_.reset_never_ends = true;
  EXPECT_NE(refusal([&] { driver->configure(0, cyclic()); }).find("its reset does not end"), std::string::npos);
}

TEST_F(Driver, ReadsTheHeartbeatOutOfItsRing) {
  const auto driver = open_with_memory();
  HeartbeatConfig writer;
  writer.entries = 8;
  writer.ring = {0, 12288};
  driver->start_heartbeat_writer(writer);
  endpoint_.advance(20);

  ASSERT_EQ(driver->heartbeat_writer_statistics().sequence, 20u);
  EXPECT_TRUE(driver->heartbeat(19));
  EXPECT_TRUE(driver->heartbeat(12));
  EXPECT_FALSE(driver->heartbeat(11)) << "overwritten by record 19";
  driver->bytes({0, 12288 + 3 * 32 + 24}, Bytes{1})[0] ^= std::byte{1};
  EXPECT_FALSE(driver->heartbeat(19)) << "its check word is broken";
}

TEST_F(Driver, ResumeWritesNothingToARunningEndpoint) {
  auto driver = open_with_memory();
  driver->configure(0, cyclic());
  driver->put(0, 0, {driver->iova(kBuffer).raw(), 0, 100, 0, 0, 0});
  driver->start(0);
  driver.reset();
  const unsigned writes = endpoint_.writes;

  FakeDevice next(endpoint_);
  const auto resumed = EndpointDriver::resume(system_, next, *state_, {memory_.get()});
  EXPECT_EQ(endpoint_.writes, writes);
  EXPECT_EQ(endpoint_.resets, 0u);
  EXPECT_EQ(resumed->running_streams(), 1u);
  EXPECT_TRUE(resumed->channel_statistics(0).running);
  resumed->stop_all();
  EXPECT_FALSE(resumed->channel_statistics(0).running);
}

TEST_F(Driver, ResumedRingsGoOnWhereTheyWere) {
  auto driver = open_with_memory();
  driver->configure(0, copying(ChannelConfig::Direction::HostToCard));
  driver->start(0);
  for (unsigned n = 0; n < 6; ++n) {
    ASSERT_EQ(driver->copy(0, kBuffer, n, 1), DmaStatus::Ok);
  }
  driver.reset();

  const auto resumed = resume({memory_.get()});
  for (unsigned n = 0; n < 6; ++n) {
    EXPECT_EQ(resumed->copy(0, kBuffer, n, 1), DmaStatus::Ok) << n;
  }
}

TEST_F(Driver, ResumeRefusesAnEndpointThatWasReset) {
  auto driver = open_with_memory();
  driver->configure(0, cyclic());
  driver->start(0);
  driver.reset();
  endpoint_.reset();
  EXPECT_NE(refusal([&] { resume({memory_.get()}); }).find("was it reset?"), std::string::npos);
}

TEST_F(Driver, ResumeRefusesMemoryOfAnotherSize) {
  open_with_memory().reset();
  const std::unique_ptr<Memory> other = system_.create_memory(kPageSize);
  EXPECT_NE(refusal([&] { resume({other.get()}); }).find("memory 0"), std::string::npos);
  EXPECT_NE(refusal([&] { resume({}); }).find("memory 0"), std::string::npos);
}

TEST_F(Driver, ResumeRefusesEveryBrokenByteOfItsState) {
  auto driver = open_with_memory();
  driver->configure(0, cyclic());
  driver.reset();
  for (std::size_t at = 0; at < sizeof(DriverState); ++at) {
    state_->bytes()[at] ^= std::byte{0x10};
    EXPECT_THROW(resume({memory_.get()}), Error) << at;
    state_->bytes()[at] ^= std::byte{0x10};
  }
  EXPECT_NO_THROW(resume({memory_.get()}));
}

TEST_F(Driver, ResumeRefusesAPlaceOutsideOfItsMemory) {
  auto driver = open_with_memory();
  driver->configure(0, cyclic());
  driver.reset();
  DriverState state = read_driver_state(state_->bytes());
  state.channels[0].descriptors.offset = 4 * 4096 - 1;
  write_driver_state(state_->bytes(), state);
  EXPECT_NE(refusal([&] { static_cast<void>(read_driver_state(state_->bytes())); }).find("lies outside"),
            std::string::npos);
}

}  // namespace
}  // namespace holdover::host
