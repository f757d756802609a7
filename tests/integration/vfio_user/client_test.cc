// SPDX-License-Identifier: MIT
// The endpoint in RTL as a client of the socket sees it.
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iterator>

#include "host/backend/vfio_user/vfio_user_system.h"
#include "host/driver/endpoint_regs.h"
#include "pcie/capability.h"
#include "pcie/config_space.h"
#include "pcie/error.h"
#include "sim/witness.h"
#include "tests/integration/vfio_user/connected_client.h"

namespace holdover {
namespace {

namespace config = pcie::config;
namespace regs = host::regs;
namespace writer = host::regs::heartbeat_writer;

using test::VfioUserClient;

TEST_F(VfioUserClient, TimeIsTheDevices) {
  connect();
  ASSERT_TRUE(system_->has_device_time());
  const auto before = system_->now();
  system_->wait(std::chrono::microseconds(20));
  EXPECT_GE(system_->now() - before, std::chrono::microseconds(20));
  EXPECT_EQ(device_->bdf(), (pcie::Bdf{0, 1, 0, 0}));
}

TEST_F(VfioUserClient, DmaReachesTheHighestAddresses) {
  connect();
  device_->enable_bus_master();
  start_writer(false);
  system_->wait(std::chrono::microseconds(20));
  EXPECT_GE(newest(), 40u);
}

// BARs of the machine stand there, and clients know nothing of them.
TEST(VfioUserAddresses, OfTheMachineAreTheClientsAsWell) {
  for (const char* const topology : {"direct", "switch"}) {
    test::ServedEndpoint endpoint(topology);
    host::VfioUserSystem system(endpoint.socket(), host::VfioUserOptions{});
    for (const BusAddress address : {sim::kPlatformMap.window32, sim::kPlatformMap.window64, sim::kPlatformMap.ecam}) {
      const auto memory = system.create_memory(kPageSize);
      const auto space = system.create_address_space();
      const auto device = system.open_device(system.devices().at(0));
      space->map(*memory, Bytes{0}, Iova{address.raw()}, kPageSize, true);
      device->attach(*space);
      device->enable_bus_master();
      device->write(0, Bytes{writer::kRingBaseLo}, static_cast<std::uint32_t>(address.raw()));
      device->write(0, Bytes{writer::kRingBaseHi}, static_cast<std::uint32_t>(address.raw() >> 32));
      device->write(0, Bytes{writer::kRingEntries}, 64);
      device->write(0, Bytes{writer::kPeriod}, 100);
      device->write(0, Bytes{writer::kControl}, 1);
      system.wait(std::chrono::microseconds(20));
      EXPECT_NE(memory->bytes()[32], std::byte{0}) << topology << " " << std::hex << address.raw();
    }
  }
}

TEST_F(VfioUserClient, AProgramThatCannotBeReplacedGoesOn) {
  host::VfioUserOptions options;
  options.jump = host::exec_again({std::string(1 << 22, 'a'), "{}"});  // longer than any argument may be
  system_ = std::make_unique<host::VfioUserSystem>(endpoint_.socket(), std::move(options));
  open();
  device_->enable_bus_master();
  device_->enable_interrupts(8);
  start_writer(true);
  const auto update = system_->open_live_update();
  const auto session = update->create_session("one");
  space_->mark_for_preservation(2);
  session->preserve(*memory_, 1);
  session->preserve(*space_, 2);
  EXPECT_THROW(session->preserve(*memory_, 3), Error);
  session->preserve(*device_, 3);
  const unsigned before = descriptors();
  try {
    system_->kexec();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.errno_value(), E2BIG);
  }
  EXPECT_EQ(descriptors(), before);
  static_cast<void>(device_->take_interrupts(5));
  const std::uint64_t last = newest();
  system_->wait(std::chrono::microseconds(20));
  EXPECT_GT(newest(), last);
  EXPECT_GT(device_->take_interrupts(5), 0u);
  EXPECT_THROW(session->preserve(*memory_, 4), Error) << "it is preserved still";
}

TEST_F(VfioUserClient, WhatIsNotPreservedIsAtRestBeforeTheNextLife) {
  connect();
  device_->enable_bus_master();
  start_writer(false);
  system_->wait(std::chrono::microseconds(10));
  int state = -1;
  try {
    system_->kexec();
  } catch (const host::KernelGone& gone) {
    state = static_cast<int>(gone.boot_parameters.raw());
  }
  host::VfioUserSystem next(state, host::VfioUserOptions{});
  const std::uint64_t last = newest();
  next.wait(std::chrono::microseconds(20));
  EXPECT_EQ(newest(), last);
  disconnect();
}

TEST_F(VfioUserClient, DmaReachesMemoryWithoutAFile) {
  connect(false);
  device_->enable_bus_master();
  start_writer(false);
  system_->wait(std::chrono::microseconds(20));
  EXPECT_GE(newest(), 40u);
}

TEST_F(VfioUserClient, NoDmaLeavesAFunctionThatMayNotMaster) {
  connect();
  start_writer(false);
  system_->wait(std::chrono::microseconds(10));
  EXPECT_EQ(newest(), 0u);
  device_->enable_bus_master();
  system_->wait(std::chrono::microseconds(10));
  EXPECT_GT(newest(), 0u);
}

TEST_F(VfioUserClient, NoDmaReachesWhatIsNotMapped) {
  connect();
  device_->enable_bus_master();
  space_->unmap(kRing, kPageSize);
  start_writer(false);
  system_->wait(std::chrono::microseconds(10));
  EXPECT_EQ(newest(), 0u);
  endpoint_.stop();
  EXPECT_GT(endpoint_.server().machine().memory().refused(), 0u);
  EXPECT_EQ(endpoint_.server().machine().violation(), "");
}

TEST_F(VfioUserClient, EventsBecomeInterrupts) {
  connect();
  device_->enable_bus_master();
  device_->enable_interrupts(32);
  start_writer(true);
  system_->wait(std::chrono::microseconds(20));
  EXPECT_GT(device_->take_interrupts(5), 10u);
  EXPECT_EQ(device_->take_interrupts(4), 0u);
  device_->disable_interrupts();
  EXPECT_EQ(device_->take_interrupts(5), 0u);
}

TEST_F(VfioUserClient, MoreVectorsThanThereAreAreRefused) {
  connect();
  try {
    device_->enable_interrupts(33);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.errno_value(), ENOSPC);
  }
}

TEST_F(VfioUserClient, AResetStopsEverythingAndTheDeviceCanBeUsedAgain) {
  connect();
  device_->enable_bus_master();
  device_->enable_interrupts(32);
  start_writer(true);
  system_->wait(std::chrono::microseconds(10));
  device_->reset();
  EXPECT_EQ(device_->read(0, Bytes{regs::global::kId}), regs::global::kIdReset);
  EXPECT_EQ(device_->read(0, Bytes{writer::kControl}), 0u);
  static_cast<void>(device_->take_interrupts(5));
  start_writer(true);
  system_->wait(std::chrono::microseconds(20));
  EXPECT_GT(device_->take_interrupts(5), 0u);
}

TEST_F(VfioUserClient, AResetByConfigurationSpaceTakesTheCommandRegister) {
  connect();
  device_->config_write(Bytes{config::kBar0}, 4, 0x1234'0000);
  device_->config_write(Bytes{express() + config::kExpressDeviceControl}, 2, config::kDeviceControlFlr);
  EXPECT_EQ(device_->config_read(Bytes{config::kCommand}, 2), 0u);
  EXPECT_EQ(device_->config_read(Bytes{config::kBar0}, 4), 0u);
  EXPECT_EQ(device_->read(0, Bytes{regs::global::kId}), ~std::uint32_t{0}) << "nobody decodes memory";
  device_->config_write(Bytes{config::kBar0}, 4, 0x1234'0000);
  device_->config_write(Bytes{config::kCommand}, 2, config::kCommandMemory);
  EXPECT_EQ(device_->read(0, Bytes{regs::global::kId}), regs::global::kIdReset);
}

TEST_F(VfioUserClient, ADeviceIsOpenOnce) {
  connect();
  try {
    static_cast<void>(system_->open_device(device_->bdf()));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.errno_value(), EBUSY);
  }
  EXPECT_THROW(static_cast<void>(system_->open_device(pcie::Bdf{0, 9, 0, 0})), Error);
}

TEST_F(VfioUserClient, MappingsOverlapNowhere) {
  connect();
  try {
    space_->map(*memory_, Bytes{0}, kRing, kPageSize, true);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.errno_value(), EEXIST);
  }
}

}  // namespace
}  // namespace holdover
