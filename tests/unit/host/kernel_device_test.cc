// SPDX-License-Identifier: MIT
// What whole kernels do with device files, their power, their address spaces and their interrupts.
#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <string>

#include "pcie/config_space.h"
#include "pcie/error.h"
#include "tests/unit/host/kernel_fixture.h"

namespace holdover::host::kernel {
namespace {

using namespace pcie::config;
using holdover::testing::FakeFunction;

// H008: a freeze that fails behind the device comes too late for it, and nothing unfreezes.
TEST_F(KernelTest, ARefusedKexecLeavesADeadDeviceWhereFreezeResets) {
  Kernel kernel(platform_, platform_.write_boot_page("hazard=refused-kexec policy=freeze=reset-function"));
  kernel.boot();
  EmulatedSystem system(kernel);
  UserSpace user;
  start(system, user);
  preserve(system, user);
  EXPECT_THROW(system.kexec(), Error);
  EXPECT_EQ(command(end0_), kCommandIntxDisable);
  try {
    (void)user.device->read(0, Bytes{0});
    ADD_FAILURE() << "a frozen device was read";
  } catch (const Error& error) {
    EXPECT_EQ(error.errno_value(), EIO);
  }
  user.session.reset();
  user.device.reset();
  EXPECT_NO_THROW(user.device = system.open_device(kEndpoint));
  EXPECT_EQ(user.device->read(0, Bytes{0}), 0u);
}

TEST_F(KernelTest, AnIncomingFunctionThatNobodyHasOpenSleepsAsStockVfioHasIt) {
  const PhysicalAddress next = run_first_kernel("profile=continuous policy=idle-d3hot=on");
  const auto state = [](const FakeFunction& function) {
    return function.get(FakeFunction::kPowerManagement + kPmControl, 2) & kPmStateMask;
  };
  EXPECT_EQ(state(end0_), 0u) << "it was open";
  Kernel kernel(platform_, next);
  kernel.boot();
  EXPECT_EQ(state(end0_), 3u);
  EmulatedSystem system(kernel);
  const auto live_update = system.open_live_update();
  const auto session = live_update->retrieve_session("holdover");
  const auto space = session->retrieve_address_space(10);
  const auto device = session->retrieve_device(20);
  EXPECT_EQ(state(end0_), 3u);
  device->attach(*space);
  EXPECT_EQ(state(end0_), 0u);
}

// H018
TEST_F(KernelTest, ShutdownWakesAFunctionThatSleeps) {
  Kernel kernel(platform_, platform_.write_boot_page("profile=stock-7.3"));
  kernel.boot();
  EmulatedSystem system(kernel);
  platform_.writes.clear();
  EXPECT_THROW(system.kexec(), KernelGone);
  EXPECT_EQ(end0_.get(FakeFunction::kPowerManagement + kPmControl, 2) & kPmStateMask, 0u);
}

// H035 fires wherever nothing was handed over.
TEST_F(KernelTest, InterruptRemappingIsReplacedOnStockAndHandedOverOnContinuous) {
  {
    Kernel kernel(platform_, run_first_kernel("profile=continuous"));
    kernel.boot();
    EXPECT_EQ(platform_.remapping_fell, 0u);
  }
  platform_.iommu_status = 0;
  Kernel kernel(platform_, run_first_kernel("profile=stock-7.3", false));
  kernel.boot();
  EXPECT_EQ(platform_.remapping_fell, 1u);
}

TEST_F(KernelTest, AnAddressSpaceThatNobodyMarkedCannotBePreserved) {
  Kernel kernel(platform_, platform_.write_boot_page(""));
  kernel.boot();
  EmulatedSystem system(kernel);
  UserSpace user;
  start(system, user);
  const auto live_update = system.open_live_update();
  const auto session = live_update->create_session("holdover");
  try {
    session->preserve(*user.space, 10);
    ADD_FAILURE() << "preserved";
  } catch (const Error& error) {
    EXPECT_EQ(error.errno_value(), EINVAL);
  }
}

TEST_F(KernelTest, FinishBeforeTheDeviceIsBoundIsRefused) {
  const PhysicalAddress next = run_first_kernel("profile=continuous");
  Kernel kernel(platform_, next);
  kernel.boot();
  EmulatedSystem system(kernel);
  const auto live_update = system.open_live_update();
  const auto session = live_update->retrieve_session("holdover");
  const auto space = session->retrieve_address_space(10);
  const auto device = session->retrieve_device(20);
  try {
    session->finish();
    ADD_FAILURE() << "finished";
  } catch (const Error& error) {
    EXPECT_EQ(error.errno_value(), EBUSY);
  }
  device->attach(*space);
  EXPECT_NO_THROW(session->finish());
}

}  // namespace
}  // namespace holdover::host::kernel
