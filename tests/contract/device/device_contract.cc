// SPDX-License-Identifier: MIT
#include "tests/contract/device/device_contract.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "host/driver/endpoint_regs.h"
#include "pcie/capability.h"
#include "pcie/config_space.h"
#include "pcie/error.h"

namespace holdover::host::contract {
namespace {

namespace config = pcie::config;
namespace writer = regs::heartbeat_writer;
using std::chrono::microseconds;

constexpr unsigned kVector = 5;
constexpr unsigned kRecords = 64;
constexpr std::size_t kRecordBytes = 32;

// Errno of what was refused, 0 where nothing was, -1 for any other error.
template <typename Call>
int errno_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code() == ErrorCode::Refused ? error.errno_value() : -1;
  }
  return 0;
}

template <typename Call>
ErrorCode error_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "nothing was refused";
  return ErrorCode::Unavailable;
}

// The device with a ring that its heartbeat writer fills.
struct Open {
  explicit Open(System& of) : system(of) {
    device = system.open_device(system.devices().at(0));
    memory = system.create_memory(kPageSize);
    space = system.create_address_space();
    ring = system.allocate_iova(kPageSize);
    space->map(*memory, Bytes{0}, ring, kPageSize, true);
    device->attach(*space);
  }
  void start(bool interrupts = false) const {
    device->write(0, Bytes{writer::kRingBaseLo}, static_cast<std::uint32_t>(ring.raw()));
    device->write(0, Bytes{writer::kRingBaseHi}, static_cast<std::uint32_t>(ring.raw() >> 32));
    device->write(0, Bytes{writer::kRingEntries}, kRecords);
    device->write(0, Bytes{writer::kPeriod}, 100);
    device->write(0, Bytes{writer::kVector}, kVector);
    device->write(0, Bytes{writer::kControl}, interrupts ? 3 : 1);
  }
  // Number of the newest record; 0: none, or the first.
  [[nodiscard]] static std::uint64_t newest(Memory& in) {
    std::uint64_t most = 0;
    for (unsigned record = 0; record < kRecords; ++record) {
      std::uint64_t number = 0;
      std::memcpy(&number, in.bytes().data() + record * kRecordBytes, sizeof number);
      most = std::max(most, number);
    }
    return most;
  }
  [[nodiscard]] std::uint64_t newest() const { return newest(*memory); }

  System& system;
  std::unique_ptr<Memory> memory;
  std::unique_ptr<AddressSpace> space;
  Iova ring;
  std::unique_ptr<Device> device;
};

TEST_P(DeviceContract, ConfigurationSpaceIsReadInEveryWidth) {
  live([](System& system) {
    const Open open(system);
    const std::uint32_t word = open.device->config_read(Bytes{0}, 4);
    EXPECT_EQ(word, 0x0d17'1172u);
    for (unsigned byte = 0; byte < 4; ++byte) {
      EXPECT_EQ(open.device->config_read(Bytes{byte}, 1), word >> (8 * byte) & 0xff);
    }
    EXPECT_EQ(open.device->config_read(Bytes{2}, 2), word >> 16);
    EXPECT_EQ(error_of([&] { (void)open.device->config_read(Bytes{2}, 4); }), ErrorCode::InvalidArgument);
    EXPECT_EQ(error_of([&] { (void)open.device->config_read(Bytes{4096}, 4); }), ErrorCode::InvalidArgument);
    EXPECT_EQ(error_of([&] { open.device->config_write(Bytes{0}, 3, 0); }), ErrorCode::InvalidArgument);
  });
}

TEST_P(DeviceContract, AByteThatIsWrittenLeavesItsNeighbours) {
  live([](System& system) {
    const Open open(system);
    const std::uint32_t command = open.device->config_read(Bytes{config::kCommand}, 2);
    open.device->config_write(Bytes{config::kInterruptLine}, 1, 0x5a);
    EXPECT_EQ(open.device->config_read(Bytes{config::kInterruptLine}, 1), 0x5au);
    EXPECT_EQ(open.device->config_read(Bytes{config::kCommand}, 2), command);
    EXPECT_EQ(open.device->config_read(Bytes{config::kVendorId}, 4), 0x0d17'1172u);
  });
}

TEST_P(DeviceContract, CapabilitiesCanBeWalked) {
  live([](System& system) {
    const Open open(system);
    const auto read = [&](unsigned offset) { return open.device->config_read(Bytes{offset}, 4); };
    EXPECT_TRUE(pcie::find_capability(read, config::kCapMsix).has_value());
    EXPECT_TRUE(pcie::find_capability(read, config::kCapExpress).has_value());
    EXPECT_TRUE(pcie::find_extended_capability(read, config::kExtCapAer).has_value());
  });
}

TEST_P(DeviceContract, RegistersAndCardMemoryAreReadInEveryWidth) {
  live([](System& system) {
    const Open open(system);
    Device& device = *open.device;
    EXPECT_GE(device.bar_size(0), Bytes{regs::kBarBytes});
    EXPECT_EQ(device.bar_size(1), Bytes{0});
    EXPECT_EQ(device.read(0, Bytes{regs::global::kId}), regs::global::kIdReset);
    device.write(2, Bytes{0x40}, 0x1122'3344);
    device.write(2, Bytes{0x44}, 0x5566'7788);
    EXPECT_EQ(device.load(2, Bytes{0x40}, 8), 0x5566'7788'1122'3344u);
    EXPECT_EQ(device.load(2, Bytes{0x43}, 1), 0x11u);
    EXPECT_EQ(device.load(2, Bytes{0x46}, 2), 0x5566u);
  });
}

TEST_P(DeviceContract, AccessesOutsideABarAreRefused) {
  live([](System& system) {
    const Open open(system);
    const Bytes end = open.device->bar_size(0);
    const auto refused = [&](unsigned bar, Bytes offset, unsigned size) {
      return error_of([&] { (void)open.device->load(bar, offset, size); }) == ErrorCode::InvalidArgument;
    };
    EXPECT_TRUE(refused(0, end, 4));
    EXPECT_TRUE(refused(0, end - Bytes{4}, 8));
    EXPECT_TRUE(refused(0, Bytes{2}, 4));
    EXPECT_TRUE(refused(0, Bytes{0}, 3));
    EXPECT_TRUE(refused(1, Bytes{0}, 4));
    EXPECT_TRUE(refused(6, Bytes{0}, 4));
  });
}

TEST_P(DeviceContract, AFunctionIsOpenOnce) {
  live([](System& system) {
    const pcie::Bdf bdf = system.devices().at(0);
    {
      const Open open(system);
      EXPECT_EQ(errno_of([&] { (void)system.open_device(bdf); }), EBUSY);
    }
    EXPECT_EQ(errno_of([&] { (void)system.open_device(bdf); }), 0);
    EXPECT_EQ(error_of([&] { (void)system.open_device(pcie::Bdf{0, 0x1e, 0, 0}); }), ErrorCode::NotFound);
  });
}

TEST_P(DeviceContract, DmaReachesMemoryOnceTheFunctionMayMaster) {
  live([](System& system) {
    const Open open(system);
    open.start();
    system.wait(microseconds(20));
    EXPECT_EQ(open.newest(), 0u);
    open.device->enable_bus_master();
    system.wait(microseconds(20));
    EXPECT_GT(open.newest(), 0u);
  });
}

TEST_P(DeviceContract, NothingReachesMemoryThatIsUnmapped) {
  live([](System& system) {
    const Open open(system);
    open.device->enable_bus_master();
    open.start();
    system.wait(microseconds(20));
    open.space->unmap(open.ring, kPageSize);
    const std::uint64_t last = open.newest();
    system.wait(microseconds(20));
    EXPECT_EQ(open.newest(), last);
  });
}

TEST_P(DeviceContract, MappingsAreWholePagesThatOverlapNowhere) {
  live([](System& system) {
    const Open open(system);
    const auto map = [&](Bytes offset, Iova iova, Bytes size) {
      return errno_of([&] { open.space->map(*open.memory, offset, iova, size, true); });
    };
    const Iova other = system.allocate_iova(kPageSize);
    EXPECT_EQ(map(Bytes{0}, open.ring, kPageSize), EEXIST);
    EXPECT_EQ(map(Bytes{0}, other + Bytes{8}, kPageSize), EINVAL);
    EXPECT_EQ(map(kPageSize, other, kPageSize), EINVAL) << "behind the end of the memory";
    EXPECT_EQ(map(Bytes{0}, other, kPageSize), 0);
  });
}

TEST_P(DeviceContract, EventsBecomeInterruptsOfTheirVector) {
  live([](System& system) {
    const Open open(system);
    open.device->enable_bus_master();
    open.device->enable_interrupts(8);
    open.start(true);
    system.wait(microseconds(40));
    EXPECT_GT(open.device->take_interrupts(kVector), 0u);
    EXPECT_EQ(open.device->take_interrupts(kVector - 1), 0u);
    open.device->disable_interrupts();
    static_cast<void>(open.device->take_interrupts(kVector));
    system.wait(microseconds(40));
    EXPECT_EQ(open.device->take_interrupts(kVector), 0u);
    EXPECT_EQ(errno_of([&] { open.device->enable_interrupts(33); }), ENOSPC);
  });
}

TEST_P(DeviceContract, AResetStopsTheFunctionAndLeavesItUsable) {
  live([](System& system) {
    const Open open(system);
    open.device->enable_bus_master();
    open.start();
    system.wait(microseconds(20));
    open.device->reset();
    EXPECT_EQ(open.device->read(0, Bytes{regs::global::kId}), regs::global::kIdReset);
    EXPECT_EQ(open.device->read(0, Bytes{writer::kControl}), 0u);
    const std::uint64_t last = open.newest();
    system.wait(microseconds(20));
    EXPECT_EQ(open.newest(), last);
    open.device->enable_bus_master();
    std::fill(open.memory->bytes().begin(), open.memory->bytes().end(), std::byte{0});
    open.start();
    system.wait(microseconds(20));
    EXPECT_GT(open.newest(), 0u);
  });
}

TEST_P(DeviceContract, TimePassesWhileWaiting) {
  live([](System& system) {
    const auto before = system.now();
    system.wait(microseconds(30));
    EXPECT_GE(system.now() - before, microseconds(30));
  });
}

TEST_P(DeviceContract, SessionsHaveNamesAndTokensOfTheirOwn) {
  live([](System& system) {
    const Open open(system);
    const auto update = system.open_live_update();
    EXPECT_EQ(errno_of([&] { (void)update->create_session(""); }), EINVAL);
    EXPECT_EQ(errno_of([&] { (void)update->create_session(std::string(64, 'a')); }), EINVAL);
    EXPECT_EQ(errno_of([&] { (void)update->retrieve_session("nobody"); }), ENOENT);
    const auto session = update->create_session("one");
    EXPECT_EQ(errno_of([&] { (void)update->create_session("one"); }), EEXIST);
    const auto other = system.create_memory(kPageSize);
    session->preserve(*open.memory, 1);
    EXPECT_EQ(errno_of([&] { session->preserve(*other, 1); }), EEXIST);
    EXPECT_EQ(errno_of([&] { session->preserve(*open.memory, 2); }), EBUSY);
    EXPECT_EQ(errno_of([&] { session->preserve(*open.space, 3); }), EINVAL) << "it has no mark";
    open.space->mark_for_preservation(3);
    session->preserve(*open.space, 3);
    EXPECT_EQ(errno_of([&] { open.space->unmap(open.ring, kPageSize); }), EBUSY);
    EXPECT_EQ(errno_of([&] { session->finish(); }), EINVAL);
  });
}

TEST_P(DeviceContract, AClosedSessionHandsNothingOver) {
  live([](System& system) {
    const Open open(system);
    const auto update = system.open_live_update();
    open.space->mark_for_preservation(3);
    {
      const auto session = update->create_session("one");
      session->preserve(*open.memory, 1);
      session->preserve(*open.space, 3);
    }
    EXPECT_EQ(errno_of([&] { open.space->unmap(open.ring, kPageSize); }), 0) << "it may be changed again";
    const auto again = update->create_session("one");
    again->preserve(*open.memory, 1);
  });
}

TEST_P(DeviceContract, WhatWasPreservedGoesOnInTheNextLife) {
  const bool jumped = live([](System& system) {
    const Open open(system);
    open.device->enable_bus_master();
    open.device->enable_interrupts(8);
    open.start(true);
    const auto update = system.open_live_update();
    const auto session = update->create_session("one");
    open.space->mark_for_preservation(2);
    session->preserve(*open.memory, 1);
    session->preserve(*open.space, 2);
    session->preserve(*open.device, 3);
    system.kexec();
  });
  ASSERT_TRUE(jumped);
  live([](System& system) {
    EXPECT_TRUE(system.booted_by_kexec());
    const auto update = system.open_live_update();
    const auto session = update->retrieve_session("one");
    EXPECT_EQ(errno_of([&] { (void)update->retrieve_session("one"); }), EINVAL);
    EXPECT_EQ(errno_of([&] { (void)session->retrieve_memory(9); }), ENOENT);
    EXPECT_EQ(errno_of([&] { (void)system.open_device(system.functions().at(0)); }), EBUSY) << "it is incoming";
    EXPECT_EQ(errno_of([&] { session->finish(); }), EBUSY) << "nobody has taken the device";
    const auto memory = session->retrieve_memory(1);
    const auto space = session->retrieve_address_space(2);
    const auto device = session->retrieve_device(3);
    device->attach(*space);
    const std::uint64_t before = Open::newest(*memory);
    device->enable_interrupts(8);
    system.wait(microseconds(40));
    EXPECT_GT(Open::newest(*memory), before);
    EXPECT_GT(device->take_interrupts(kVector), 0u);
    EXPECT_EQ(device->read(0, Bytes{writer::kMissed}), 0u);
    session->finish();
  });
}

TEST_P(DeviceContract, EventsOfTheTimeBetweenTwoLivesComeAfterIt) {
  const bool jumped = live([](System& system) {
    const Open open(system);
    open.device->enable_bus_master();
    open.device->enable_interrupts(8);
    open.start(true);
    const auto update = system.open_live_update();
    const auto session = update->create_session("one");
    open.space->mark_for_preservation(2);
    session->preserve(*open.memory, 1);
    session->preserve(*open.space, 2);
    session->preserve(*open.device, 3);
    system.kexec();
  });
  ASSERT_TRUE(jumped);
  live([](System& system) {
    const auto update = system.open_live_update();
    const auto session = update->retrieve_session("one");
    const auto memory = session->retrieve_memory(1);
    const auto space = session->retrieve_address_space(2);
    const auto device = session->retrieve_device(3);
    device->attach(*space);
    system.wait(microseconds(20));
    // The last event was raised before anybody listened.
    device->write(0, Bytes{writer::kControl}, 0);
    EXPECT_EQ(device->read(0, Bytes{writer::kControl}), 0u);
    device->enable_interrupts(8);
    system.wait(microseconds(20));
    EXPECT_EQ(device->take_interrupts(kVector), 1u);
    session->finish();
  });
}

TEST_P(DeviceContract, WhatWasNotPreservedEndsWithItsLife) {
  const bool jumped = live([](System& system) {
    const Open open(system);
    open.device->enable_bus_master();
    open.start();
    system.wait(microseconds(20));
    system.kexec();
  });
  ASSERT_TRUE(jumped);
  live([](System& system) {
    const auto update = system.open_live_update();
    EXPECT_EQ(errno_of([&] { (void)update->retrieve_session("one"); }), ENOENT);
    const Open open(system);
    EXPECT_EQ(open.device->read(0, Bytes{writer::kControl}), 0u);
  });
}

}  // namespace
}  // namespace holdover::host::contract
