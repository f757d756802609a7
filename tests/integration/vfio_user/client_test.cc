// SPDX-License-Identifier: MIT
// The endpoint in RTL as a client of the socket sees it.
#include <gmock/gmock.h>
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
#include "tests/integration/vfio_user/served_endpoint.h"

namespace holdover {
namespace {

using ::testing::HasSubstr;
namespace config = pcie::config;
namespace regs = host::regs;
namespace writer = host::regs::heartbeat_writer;

class VfioUserClient : public ::testing::Test {
 protected:
  static constexpr Iova kRing{0xffff'ffff'0000'0000};

  void connect(bool pass_descriptors = true) {
    host::VfioUserOptions options;
    options.pass_descriptors = pass_descriptors;
    system_ = std::make_unique<host::VfioUserSystem>(endpoint_.socket(), std::move(options));
    open();
  }
  void open() {
    memory_ = system_->create_memory(kPageSize);
    space_ = system_->create_address_space();
    space_->map(*memory_, Bytes{0}, kRing, kPageSize, true);
    device_ = system_->open_device(system_->devices().at(0));
    device_->attach(*space_);
  }
  void disconnect() {
    device_.reset();
    space_.reset();
    memory_.reset();
    system_.reset();
  }
  void start_writer(bool interrupts) {
    device_->write(0, Bytes{writer::kControl}, 0);
    device_->write(0, Bytes{writer::kRingBaseLo}, static_cast<std::uint32_t>(kRing.raw()));
    device_->write(0, Bytes{writer::kRingBaseHi}, static_cast<std::uint32_t>(kRing.raw() >> 32));
    device_->write(0, Bytes{writer::kRingEntries}, 64);
    device_->write(0, Bytes{writer::kPeriod}, 100);
    device_->write(0, Bytes{writer::kVector}, 5);
    device_->write(0, Bytes{writer::kControl}, interrupts ? 3 : 1);
  }
  // Number of the newest record in memory.
  [[nodiscard]] std::uint64_t newest() {
    std::uint64_t most = 0;
    for (std::size_t at = 0; at < 64 * 32; at += 32) {
      std::uint64_t number = 0;
      std::memcpy(&number, memory_->bytes().data() + at, sizeof number);
      most = std::max(most, number);
    }
    return most;
  }
  [[nodiscard]] static unsigned descriptors() {
    const auto folder = std::filesystem::directory_iterator("/proc/self/fd");
    return static_cast<unsigned>(std::distance(begin(folder), end(folder)));
  }
  [[nodiscard]] unsigned express() {
    const auto read = [this](unsigned offset) { return device_->config_read(Bytes{offset}, 4); };
    return pcie::find_capability(read, config::kCapExpress).value();
  }

  test::ServedEndpoint endpoint_;
  std::unique_ptr<host::VfioUserSystem> system_;
  std::unique_ptr<host::Memory> memory_;
  std::unique_ptr<host::AddressSpace> space_;
  std::unique_ptr<host::Device> device_;
};

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

TEST_F(VfioUserClient, AnotherClientIsRefusedAndTheFirstServedOn) {
  connect();
  EXPECT_THROW(host::VfioUserSystem(endpoint_.socket(), host::VfioUserOptions{}), Error);
  EXPECT_EQ(device_->read(0, Bytes{regs::global::kId}), regs::global::kIdReset);
}

TEST_F(VfioUserClient, WhoeverConnectsAndSaysNothingKeepsNobodyOut) {
  const FileDescriptor silent = vfio_user::connect_to(endpoint_.socket());
  connect();
  EXPECT_EQ(device_->read(0, Bytes{regs::global::kId}), regs::global::kIdReset);
}

TEST_F(VfioUserClient, AClientThatDiesLeavesTheDeviceAtRestForTheNext) {
  {
    // No close(): the connection ends as that of a process that was killed.
    FileDescriptor file = vfio_user::connect_to(endpoint_.socket());
    host::VfioUserConnection raw(std::move(file), vfio_user::Capabilities{});
    static_cast<void>(
        raw.request(vfio_user::Command::Version, vfio_user::version_body(vfio_user::Version{}), "version"));
    const std::uint16_t command = config::kCommandMemory | config::kCommandBusMaster;
    raw.write_region(vfio_user::kRegionConfig, config::kCommand, std::as_bytes(std::span(&command, 1)));
    const std::uint32_t run = 1;
    raw.write_region(0, writer::kControl, std::as_bytes(std::span(&run, 1)));
  }
  connect();
  EXPECT_EQ(device_->read(0, Bytes{writer::kControl}), 0u);
  EXPECT_EQ(device_->config_read(Bytes{config::kCommand}, 2), config::kCommandMemory);
  disconnect();
  endpoint_.stop();
  const std::vector<std::string> said = endpoint_.said();
  ASSERT_GE(said.size(), 3u);
  EXPECT_THAT(said[1], HasSubstr("has left"));
}

TEST_F(VfioUserClient, AFileThatIsCutShortHarmsNobody) {
  connect();
  const FileDescriptor file{::memfd_create("short", MFD_CLOEXEC)};
  ASSERT_EQ(::ftruncate(file.number(), 4096), 0);
  disconnect();
  {
    host::VfioUserConnection raw(endpoint_.socket());
    std::vector<std::byte> body;
    vfio_user::append(body, vfio_user::DmaMap{32, 3, 0, kRing.raw(), 4096});
    const std::array<int, 1> one{file.number()};
    static_cast<void>(raw.request(vfio_user::Command::DmaMap, body, "a mapping", one));
    ASSERT_EQ(::ftruncate(file.number(), 0), 0);
    const std::uint16_t command = config::kCommandMemory | config::kCommandBusMaster;
    raw.write_region(vfio_user::kRegionConfig, config::kCommand, std::as_bytes(std::span(&command, 1)));
    const auto store = [&raw](std::uint64_t offset, std::uint32_t value) {
      raw.write_region(0, offset, std::as_bytes(std::span(&value, 1)));
    };
    store(writer::kRingBaseLo, static_cast<std::uint32_t>(kRing.raw()));
    store(writer::kRingBaseHi, static_cast<std::uint32_t>(kRing.raw() >> 32));
    store(writer::kRingEntries, 64);
    store(writer::kControl, 1);
    const auto picoseconds = [&raw] {
      std::uint64_t time = 0;
      raw.read_region(vfio_user::kRegionDeviceSpecific, 8, std::as_writable_bytes(std::span(&time, 1)));
      return Time{time};
    };
    for (const Time begin = picoseconds(); picoseconds() - begin < 10_us;) {
    }
  }
  connect();
  EXPECT_EQ(device_->read(0, Bytes{regs::global::kId}), regs::global::kIdReset);
  disconnect();
  endpoint_.stop();
  EXPECT_GT(endpoint_.server().machine().memory().refused(), 0u);
}

}  // namespace
}  // namespace holdover
