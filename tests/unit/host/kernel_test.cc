// SPDX-License-Identifier: MIT
// Whole kernels after each other on one platform: boot, system calls, kexec, and what the next one finds.
#include "host/kernel/kernel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>

#include "host/backend/emulated/emulated_system.h"
#include "host/device/link_status.h"
#include "pcie/config_space.h"
#include "pcie/error.h"
#include "tests/unit/host/kernel_fixture.h"

namespace holdover::host::kernel {
namespace {

using namespace pcie::config;
using holdover::testing::FakeFunction;

TEST_F(KernelTest, AColdBootFindsBindsAndSaysWhereItsPageMapIs) {
  const PhysicalAddress page = platform_.write_boot_page("profile=continuous scenario=x");
  Kernel kernel(platform_, page);
  kernel.boot();
  EXPECT_FALSE(kernel.booted_by_kexec());
  EXPECT_EQ(kernel.vfio_devices(), (std::vector<pcie::Bdf>{kEndpoint, kNeighbour}));
  const BootParameters parameters = read_boot_parameters(platform_.dram(), page);
  EXPECT_EQ(parameters.page_map, kernel.pages().map().raw());
  EXPECT_EQ(kernel.pages().state(PhysicalAddress{parameters.kho_scratch}), PageState::Scratch);
  EXPECT_TRUE(kernel.iommu().translating());
  EXPECT_EQ(EmulatedSystem(kernel).parameter("scenario"), "x");
}

TEST_F(KernelTest, UnknownProfilesAndHazardsAreNamed) {
  EXPECT_THROW(Kernel(platform_, platform_.write_boot_page("profile=pci-v10")), Error);
  EXPECT_THROW(Kernel(platform_, platform_.write_boot_page("hazard=H000")), Error);
}

TEST_F(KernelTest, IovasAreForeignPagesThatNobodyMapsToThemselves) {
  Kernel kernel(platform_, platform_.write_boot_page(""));
  kernel.boot();
  EmulatedSystem system(kernel);
  const Iova first = system.allocate_iova(8_KiB);
  const Iova second = system.allocate_iova(8_KiB);
  EXPECT_NE(first, second);
  EXPECT_LT(first.raw(), platform_.dram().size());
  EXPECT_EQ(kernel.pages().state(PhysicalAddress{first.raw()}), PageState::Kernel);
  EXPECT_EQ(kernel.pages().state(PhysicalAddress{second.raw() + 4096}), PageState::Kernel);
  EXPECT_GE(system.allocate_iova(Bytes{platform_.dram().size()}).raw(), std::uint64_t{1} << 32);
}

TEST_F(KernelTest, AnOpenDeviceIsBusyAndAStrangerIsNotFound) {
  Kernel kernel(platform_, platform_.write_boot_page(""));
  kernel.boot();
  EmulatedSystem system(kernel);
  const auto device = system.open_device(kEndpoint);
  try {
    (void)system.open_device(kEndpoint);
    ADD_FAILURE() << "opened twice";
  } catch (const Error& error) {
    EXPECT_EQ(error.errno_value(), EBUSY);
  }
  try {
    (void)system.open_device(pcie::Bdf{0, 9, 0, 0});
    ADD_FAILURE() << "opened nothing";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::NotFound);
  }
  EXPECT_THROW((void)device->read(0, 64_KiB), Error);
  EXPECT_THROW((void)device->read(1, Bytes{0}), Error);
  EXPECT_THROW((void)device->load(0, Bytes{4}, 8), Error);
  EXPECT_THROW((void)device->load(0, Bytes{0}, 3), Error);
}

TEST_F(KernelTest, ADeviceTellsTheLinkThatItHas) {
  Kernel kernel(platform_, platform_.write_boot_page(""));
  kernel.boot();
  EmulatedSystem system(kernel);
  const auto device = system.open_device(kEndpoint);
  EXPECT_FALSE(link_status(*device));
  end0_.set(FakeFunction::kExpress + kExpressLinkStatus, 2, 0x1000 | 4 << 4 | 2);
  const auto link = link_status(*device);
  ASSERT_TRUE(link);
  EXPECT_EQ(link->generation, 2u);
  EXPECT_EQ(link->lanes, 4u);
}

TEST_F(KernelTest, ShutdownQuiescesTheNeighbourAndLeavesThePathAlone) {
  (void)run_first_kernel("profile=continuous");
  EXPECT_NE(command(end0_) & kCommandBusMaster, 0u);
  EXPECT_EQ(command(end1_) & kCommandBusMaster, 0u);
  EXPECT_EQ(command(down1_) & kCommandBusMaster, 0u);
  for (const FakeFunction* bridge : {&down0_, &up_, &root_}) {
    EXPECT_NE(command(*bridge) & kCommandBusMaster, 0u) << bridge->name;
  }
  EXPECT_EQ(end0_.get(FakeFunction::kMsix + kMsixControl, 2) & 0xc000u,
            unsigned{kMsixControlEnable} | kMsixControlFunctionMask);
  EXPECT_EQ(end1_.get(FakeFunction::kMsix + kMsixControl, 2) & kMsixControlEnable, 0u);
  EXPECT_FALSE(platform_.interrupts_on);
  EXPECT_EQ(platform_.translation_fell, 0u);
}

TEST_F(KernelTest, ShutdownWaitsForWhatAQuietFunctionHasInFlightAndNotForEver) {
  const auto waited = [&](const char* profile, bool pending) {
    end1_.set(FakeFunction::kExpress + kExpressDeviceStatus, 2, pending ? kDeviceStatusTransactionsPending : 0);
    // FLR of an open waits for them as well.
    const Time begin = platform_.now();
    (void)run_first_kernel(profile, false);
    return platform_.now() - begin;
  };
  const Time quiet = waited("profile=continuous", false);
  const Time busy = waited("profile=continuous", true);
  const Time stock_quiet = waited("profile=stock-7.3", false);
  const Time stock_busy = waited("profile=stock-7.3", true);
  const Time at_open = stock_busy - stock_quiet;
  EXPECT_GE(at_open, 100_us);
  EXPECT_EQ(busy - quiet, at_open + 100_us);
}

TEST_F(KernelTest, TheNextKernelTakesTheFunctionOverWhileItRuns) {
  const PhysicalAddress next = run_first_kernel("profile=continuous");
  platform_.raise(end0_, 1);
  platform_.writes.clear();
  Kernel kernel(platform_, next);
  kernel.boot();
  EmulatedSystem system(kernel);
  EXPECT_TRUE(system.booted_by_kexec());
  EXPECT_EQ(platform_.translation_fell, 0u);
  for (const auto& write : platform_.writes) {
    if (write.function == "endpoint 0" && write.offset == kCommand) {
      EXPECT_NE(write.value & kCommandBusMaster, 0u);
    }
  }
  EXPECT_THROW((void)system.open_device(kEndpoint), Error);

  const auto live_update = system.open_live_update();
  const auto session = live_update->retrieve_session("holdover");
  const auto memory = session->retrieve_memory(1);
  EXPECT_EQ(memory->bytes()[5000], std::byte{0x77});
  const auto space = session->retrieve_address_space(10);
  platform_.writes.clear();
  const auto device = session->retrieve_device(20);
  device->attach(*space);
  EXPECT_TRUE(platform_.writes.empty());
  device->enable_interrupts(2);
  EXPECT_EQ(device->take_interrupts(1), 1u);
  EXPECT_EQ(device->take_interrupts(0), 0u);
  session->finish();
  EXPECT_EQ(end0_.resets, 1u);  // the first open
  EXPECT_EQ(kernel.iommu().attached(kEndpoint), 1);
  EXPECT_TRUE(kernel.iommu().maps(iova_, 16_KiB));
  EXPECT_FALSE(kernel.iommu().attached(kNeighbour).has_value());
  const auto again = system.open_device(kNeighbour);
}

TEST_F(KernelTest, AFreshIovaAvoidsWhatTheOldKernelMapped) {
  const PhysicalAddress next = run_first_kernel("profile=continuous");
  Kernel kernel(platform_, next);
  kernel.boot();
  EmulatedSystem system(kernel);
  for (int count = 0; count < 50; ++count) {
    const Iova fresh = system.allocate_iova(16_KiB);
    EXPECT_TRUE(fresh.raw() + 16384 <= iova_.raw() || fresh.raw() >= iova_.raw() + 16384);
  }
}

TEST_F(KernelTest, ManyKernelsInARow) {
  PhysicalAddress next = run_first_kernel("profile=continuous");
  for (int generation = 0; generation < 3; ++generation) {
    Kernel kernel(platform_, next);
    kernel.boot();
    EmulatedSystem system(kernel);
    const auto live_update = system.open_live_update();
    auto session = live_update->retrieve_session("holdover");
    const auto memory = session->retrieve_memory(1);
    const auto space = session->retrieve_address_space(10);
    const auto device = session->retrieve_device(20);
    device->attach(*space);
    EXPECT_EQ(memory->bytes()[5000], std::byte{0x77});
    session->finish();
    session = live_update->create_session("holdover");
    space->mark_for_preservation(10);
    session->preserve(*memory, 1);
    session->preserve(*space, 10);
    session->preserve(*device, 20);
    try {
      system.kexec();
    } catch (const KernelGone& gone) {
      next = gone.boot_parameters;
    }
    EXPECT_NE(command(end0_) & kCommandBusMaster, 0u);
    poison(next);
  }
  EXPECT_EQ(platform_.translation_fell, 0u);
  EXPECT_EQ(end0_.resets, 1u);
}

TEST_F(KernelTest, ARefusedKexecLeavesEverythingRunning) {
  Kernel kernel(platform_, platform_.write_boot_page("profile=continuous hazard=refused-kexec"));
  kernel.boot();
  EmulatedSystem system(kernel);
  UserSpace user;
  start(system, user);
  preserve(system, user);
  try {
    system.kexec();
    ADD_FAILURE() << "jumped";
  } catch (const Error& error) {
    EXPECT_EQ(error.errno_value(), EINVAL);
  }
  EXPECT_FALSE(platform_.jumped_to.has_value());
  EXPECT_FALSE(kernel.stopped());
  EXPECT_NE(command(end0_) & kCommandBusMaster, 0u);
  EXPECT_NE(command(end1_) & kCommandBusMaster, 0u);
  platform_.raise(end0_, 0);
  EXPECT_EQ(user.device->take_interrupts(0), 1u);
}

TEST_F(KernelTest, StockHandsNothingOver) {
  const PhysicalAddress next = run_first_kernel("profile=stock-7.3", false);
  EXPECT_EQ(command(end0_) & kCommandBusMaster, 0u);
  EXPECT_EQ(command(root_) & kCommandBusMaster, 0u);
  EXPECT_EQ(platform_.translation_fell, 1u);
  Kernel kernel(platform_, next);
  kernel.boot();
  EmulatedSystem system(kernel);
  EXPECT_TRUE(system.booted_by_kexec());
  try {
    (void)system.open_live_update();
    ADD_FAILURE() << "stock has no /dev/liveupdate";
  } catch (const Error& error) {
    EXPECT_EQ(error.errno_value(), ENOENT);
  }
  EXPECT_NO_THROW((void)system.open_device(kEndpoint));
}

struct MistakeCase {
  const char* hazard;
  unsigned endpoint_bus_master;
  unsigned bridge_bus_master;
  unsigned translation_fell;
};

class Mistakes : public KernelTest, public ::testing::WithParamInterface<MistakeCase> {};

TEST_P(Mistakes, HitExactlyWhereTheySay) {
  (void)run_first_kernel(std::string("profile=continuous hazard=") + GetParam().hazard);
  EXPECT_EQ(command(end0_) & kCommandBusMaster, GetParam().endpoint_bus_master);
  EXPECT_EQ(command(up_) & kCommandBusMaster, GetParam().bridge_bus_master);
  EXPECT_EQ(platform_.translation_fell, GetParam().translation_fell);
}

INSTANTIATE_TEST_SUITE_P(AtShutdown, Mistakes,
                         ::testing::Values(MistakeCase{"H048", kCommandBusMaster, kCommandBusMaster, 0},
                                           MistakeCase{"H014", 0, kCommandBusMaster, 0},
                                           MistakeCase{"H015", kCommandBusMaster, 0, 0},
                                           MistakeCase{"H025", kCommandBusMaster, kCommandBusMaster, 1}),
                         [](const auto& tested) { return std::string(tested.param.hazard); });

TEST_F(KernelTest, TheNewKernelMakesItsOwnMistakesOnly) {
  PhysicalAddress next = run_first_kernel("profile=continuous hazard=H119 hazard=H121 hazard=H073");
  EXPECT_EQ(end0_.resets, 1u);
  platform_.writes.clear();
  Kernel kernel(platform_, next);
  kernel.boot();
  EXPECT_EQ(end0_.resets, 2u);
  EXPECT_EQ(end1_.resets, 1u);
  EXPECT_EQ(end0_.get(FakeFunction::kMsix + kMsixControl, 2) & kMsixControlEnable, 0u);
  EXPECT_EQ(std::count_if(platform_.writes.begin(), platform_.writes.end(),
                          [](const auto& write) {
                            return write.offset == kBridgeControl && (write.value & kBridgeControlSecondaryReset) != 0;
                          }),
            1);
}

}  // namespace
}  // namespace holdover::host::kernel
