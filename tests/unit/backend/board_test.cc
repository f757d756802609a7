// SPDX-License-Identifier: MIT
// The same device code on a board, where there is one: HOLDOVER_BDF names a Holdover endpoint that is bound to
// vfio-pci.
#include <gtest/gtest.h>

#include <cstdlib>

#include "host/backend/linux/linux_system.h"
#include "host/backend/vfio/vfio_files.h"
#include "host/driver/endpoint_driver.h"

namespace holdover::host {
namespace {

class Board : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* const name = std::getenv("HOLDOVER_BDF");
    if (name == nullptr) GTEST_SKIP() << "HOLDOVER_BDF names no board";
    bdf = pcie::Bdf::parse(name);
  }

  KernelSystemCalls calls;
  VfioFiles files{calls};
  LinuxSystem system{calls, files, {}};
  pcie::Bdf bdf;
};

TEST_F(Board, IsOpenedAndTellsWhatItIs) {
  const auto device = system.open_device(bdf);
  EXPECT_EQ(device->bdf(), bdf);
  EXPECT_NE(device->config_read(Bytes{0}, 2), 0xffffu);
  const auto state = system.create_memory(kPageSize);
  EXPECT_GE(EndpointDriver::open(system, *device, *state)->channels(), 1u);
}

TEST_F(Board, CopiesAPageToItsMemoryAndBack) {
  const auto device = system.open_device(bdf);
  const auto state = system.create_memory(kPageSize);
  const auto driver = EndpointDriver::open(system, *device, *state);
  const auto memory = system.create_memory(kPageSize * 4);
  const auto space = system.create_address_space();
  const Iova iova = system.allocate_iova(kPageSize * 4);
  space->map(*memory, Bytes{0}, iova, kPageSize * 4, true);
  const unsigned region = driver->add_region(*memory, iova);
  device->attach(*space);
  device->enable_bus_master();
  for (std::size_t i = 0; i < 4096; ++i) memory->bytes()[8192 + i] = std::byte(i * 7);
  ChannelConfig config;
  config.entries = 4;
  config.descriptors = {region, 0};
  config.completions = {region, 4096};
  config.direction = ChannelConfig::Direction::HostToCard;
  driver->configure(0, config);
  driver->start(0);
  EXPECT_EQ(driver->copy(0, {region, 8192}, 0, 4096), DmaStatus::Ok);
  driver->stop(0);
  config.direction = ChannelConfig::Direction::CardToHost;
  driver->configure(0, config);
  driver->start(0);
  EXPECT_EQ(driver->copy(0, {region, 12288}, 0, 4096), DmaStatus::Ok);
  driver->stop(0);
  EXPECT_TRUE(
      std::equal(memory->bytes().begin() + 8192, memory->bytes().begin() + 12288, memory->bytes().begin() + 12288));
}

TEST_F(Board, ForgetsItsScratchRegisterInAFunctionLevelReset) {
  const auto device = system.open_device(bdf);
  device->write(0, Bytes{regs::global::kScratch}, 0x1234);
  EXPECT_EQ(device->read(0, Bytes{regs::global::kScratch}), 0x1234u);
  device->reset();
  EXPECT_EQ(device->read(0, Bytes{regs::global::kScratch}), 0u);
}

}  // namespace
}  // namespace holdover::host
