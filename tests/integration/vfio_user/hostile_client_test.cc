// SPDX-License-Identifier: MIT
// Clients that come, misuse the endpoint in RTL and go: nothing of it decides anything for the server or for the next.
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "pcie/error.h"
#include "sim/witness.h"
#include "tests/integration/vfio_user/connected_client.h"

namespace holdover {
namespace {

using test::VfioUserClient;
using ::testing::HasSubstr;
namespace config = pcie::config;
namespace regs = host::regs;
namespace writer = host::regs::heartbeat_writer;
namespace reader = host::regs::heartbeat_reader;

// Where the standard endpoint has them.
constexpr unsigned kPower = 0x40;
constexpr unsigned kExpress = 0x70;
constexpr unsigned kAer = 0x110;

std::uint32_t word_at(const std::vector<std::byte>& space, unsigned offset) {
  std::uint32_t word = 0;
  std::memcpy(&word, space.data() + offset, sizeof word);
  return word;
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
    host::VfioUserConnection raw(std::move(file), vfio_user::Capabilities{}, calls_);
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

TEST_F(VfioUserClient, WhatAResetKeepsDoesNotReachTheNextClient) {
  const auto config_space = [](host::VfioUserConnection& raw) {
    std::vector<std::byte> bytes(config::kSpaceBytes);
    raw.read_region(vfio_user::kRegionConfig, 0, bytes);
    // The Header Log keeps what was there: no write reaches it.
    std::fill_n(bytes.begin() + kAer + config::kAerControl, 20, std::byte{0});
    return bytes;
  };
  const auto write = [](host::VfioUserConnection& raw, unsigned offset, std::uint32_t value, std::size_t size) {
    raw.write_region(vfio_user::kRegionConfig, offset, std::as_bytes(std::span(&value, 1)).first(size));
  };
  std::vector<std::byte> found;
  {
    host::VfioUserConnection raw(endpoint_.socket(), calls_);
    found = config_space(raw);
    for (const unsigned control : {config::kExpressDeviceControl, config::kExpressLinkControl,
                                   config::kExpressDeviceControl2, config::kExpressLinkControl2}) {
      write(raw, kExpress + control, 0x5bf & ~config::kDeviceControlMaxPayload, 2);
    }
    for (const unsigned control :
         {config::kAerUncorrectableMask, config::kAerUncorrectableSeverity, config::kAerCorrectableMask}) {
      write(raw, kAer + control, ~word_at(found, kAer + control), 4);
    }
    write(raw, config::kInterruptLine, 7, 1);
    write(raw, config::kCommand, config::kCommandMemory | config::kCommandSerr, 2);
    write(raw, kPower + config::kPmControl, 3, 2);
    std::uint32_t word = 0;
    raw.read_region(0, 0, std::as_writable_bytes(std::span(&word, 1)));  // nobody reads a function in D3hot
    const std::vector<std::byte> left = config_space(raw);
    EXPECT_NE(word_at(left, kAer + config::kAerUncorrectableStatus), 0u);
    for (const unsigned control : {config::kAerUncorrectableMask, config::kAerCorrectableMask}) {
      EXPECT_NE(word_at(left, kAer + control), word_at(found, kAer + control)) << control;
    }
    for (const unsigned control : {config::kExpressLinkControl, config::kExpressLinkControl2}) {
      EXPECT_EQ(word_at(left, kExpress + control), word_at(found, kExpress + control)) << "the machine's";
    }
  }
  host::VfioUserConnection raw(endpoint_.socket(), calls_);
  const std::vector<std::byte> next = config_space(raw);
  for (unsigned at = 0; at < next.size(); at += 4) {
    EXPECT_EQ(word_at(next, at), word_at(found, at)) << std::hex << at;
  }
}

TEST_F(VfioUserClient, InterruptsThatAreConnectedInD3hotComeInD0) {
  connect();
  device_->enable_bus_master();
  device_->enable_interrupts(8);
  start_writer(true);
  system_->wait(std::chrono::microseconds(10));
  EXPECT_GT(device_->take_interrupts(5), 0u);
  device_->config_write(Bytes{kPower + config::kPmControl}, 2, 3);
  static_cast<void>(device_->take_interrupts(5));
  device_->disable_interrupts();
  EXPECT_THROW(device_->enable_interrupts(8), Error) << "as on a Linux host";
  device_->config_write(Bytes{kPower + config::kPmControl}, 2, 0);
  device_->enable_interrupts(8);
  device_->config_write(Bytes{kPower + config::kPmControl}, 2, 3);
  device_->config_write(Bytes{kPower + config::kPmControl}, 2, 0);
  system_->wait(std::chrono::microseconds(20));
  EXPECT_GT(device_->take_interrupts(5), 0u);
}

TEST_F(VfioUserClient, DmaAtTheInterruptWindowIsTheClientsDoing) {
  connect();
  device_->enable_bus_master();
  device_->write(0, Bytes{writer::kRingBaseLo}, 0xfee0'0000);
  device_->write(0, Bytes{writer::kRingBaseHi}, 0);
  device_->write(0, Bytes{writer::kRingEntries}, 64);
  device_->write(0, Bytes{writer::kPeriod}, 100);
  device_->write(0, Bytes{writer::kControl}, 1);
  system_->wait(std::chrono::microseconds(10));
  EXPECT_EQ(device_->read(0, Bytes{regs::global::kId}), regs::global::kIdReset);
  disconnect();
  endpoint_.stop();
  EXPECT_EQ(endpoint_.server().machine().violation(), "");
  EXPECT_GT(endpoint_.server().machine().misuse().count, 0u);
  EXPECT_THAT(endpoint_.said().back(), HasSubstr("as the client had programmed it: P-INTERRUPT"));
}

// Whoever asks on instead of answering.
TEST_F(VfioUserClient, AClientThatLetsReadsWaitDecidesNothing) {
  {
    vfio_user::MessageSocket raw(vfio_user::connect_to(endpoint_.socket()), {1 << 16, 16});
    std::uint16_t id = 0;
    const auto ask = [&](vfio_user::Command command, const std::vector<std::byte>& body) {
      vfio_user::Header header;
      header.id = ++id;
      header.command = static_cast<std::uint16_t>(command);
      raw.send(header, body);
      for (;;) {
        pollfd waits{raw.descriptor(), POLLIN, 0};
        ASSERT_EQ(::poll(&waits, 1, 60'000), 1);
        if (raw.receive() != vfio_user::MessageSocket::Status::Complete) continue;
        if (raw.take().is_reply()) return;
      }
    };
    const auto store = [&](std::uint32_t region, std::uint64_t offset, std::uint32_t value) {
      std::vector<std::byte> body;
      vfio_user::append(body, vfio_user::RegionAccess{offset, region, 4});
      vfio_user::append(body, value);
      ask(vfio_user::Command::RegionWrite, body);
    };
    ask(vfio_user::Command::Version, vfio_user::version_body(vfio_user::Version{}));
    std::vector<std::byte> mapping;
    vfio_user::append(mapping, vfio_user::DmaMap{32, 3, 0, 0x10'0000, 4096});
    ask(vfio_user::Command::DmaMap, mapping);
    store(vfio_user::kRegionConfig, config::kCommand, config::kCommandMemory | config::kCommandBusMaster);
    store(0, reader::kRingBaseLo, 0x10'0000);
    store(0, reader::kRingEntries, 16);
    store(0, reader::kPeriod, 16);
    store(0, reader::kControl, 1);
    // 2 ms of the machine's time, which is more than the endpoint waits for an answer.
    std::vector<std::byte> whole;
    vfio_user::append(whole, vfio_user::RegionAccess{0, vfio_user::kRegionConfig, 4096});
    for (unsigned i = 0; i < 40; ++i) ask(vfio_user::Command::RegionRead, whole);
  }
  connect();
  EXPECT_EQ(device_->read(0, Bytes{regs::global::kId}), regs::global::kIdReset);
  EXPECT_GT(system_->now(), std::chrono::milliseconds(2)) << "so long was it";
  disconnect();
  endpoint_.stop();
  EXPECT_EQ(endpoint_.server().machine().violation(), "");
  EXPECT_GT(endpoint_.server().machine().memory().refused(), 0u);
}

// The endpoint gives up before an answer can have come, and takes the tag for the next read.
TEST(VfioUserImpatience, IsTheClientsDoing) {
  test::ServedEndpoint endpoint("direct", 0, "all");
  {
    host::VfioUserSystem system(endpoint.socket(), host::VfioUserOptions{});
    const auto memory = system.create_memory(kPageSize);
    const auto space = system.create_address_space();
    const auto device = system.open_device(system.devices().at(0));
    space->map(*memory, Bytes{0}, Iova{0}, kPageSize, true);
    device->attach(*space);
    device->config_write(Bytes{kExpress + config::kExpressDeviceControl}, 2, 0x2000);  // 32 tags
    device->enable_bus_master();
    device->write(0, Bytes{regs::global::kCompletionTimeout}, 1);
    device->write(0, Bytes{reader::kRingEntries}, 16);
    device->write(0, Bytes{reader::kPeriod}, 1);
    device->write(0, Bytes{reader::kControl}, 1);
    system.wait(std::chrono::microseconds(300));
  }
  endpoint.stop();
  EXPECT_EQ(endpoint.server().machine().violation(), "");
  EXPECT_GT(endpoint.server().machine().misuse().count, 0u);
}

TEST_F(VfioUserClient, AClientThatDiesWithRequestsUnderWayKeepsNobodyOut) {
  {
    vfio_user::MessageSocket raw(vfio_user::connect_to(endpoint_.socket()), {1 << 16, 16});
    vfio_user::Header header;
    header.id = 1;
    header.flags = vfio_user::kFlagNoReply;  // a reply would find it gone
    header.command = static_cast<std::uint16_t>(vfio_user::Command::Version);
    raw.send(header, vfio_user::version_body(vfio_user::Version{}));
    header.command = static_cast<std::uint16_t>(vfio_user::Command::RegionRead);
    std::vector<std::byte> body;
    vfio_user::append(body, vfio_user::RegionAccess{0, vfio_user::kRegionConfig, 256});
    for (unsigned i = 0; i < 200; ++i) raw.send(header, body);
    ASSERT_EQ(raw.unsent(), 0u);
  }
  connect();
  EXPECT_EQ(device_->read(0, Bytes{regs::global::kId}), regs::global::kIdReset);
}

TEST_F(VfioUserClient, AFileThatIsCutShortHarmsNobody) {
  connect();
  const FileDescriptor file{::memfd_create("short", MFD_CLOEXEC)};
  ASSERT_EQ(::ftruncate(file.number(), 4096), 0);
  disconnect();
  {
    host::VfioUserConnection raw(endpoint_.socket(), calls_);
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
