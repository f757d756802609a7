// SPDX-License-Identifier: MIT
// Vectors and MSI-X programming over the fake platform.
#include "host/kernel/irq/interrupts.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "tests/unit/host/device_fixture.h"

namespace holdover::host::kernel {
namespace {

using namespace pcie::config;
using holdover::testing::FakeFunction;

TEST_F(DeviceFileTest, EachEventIsCountedOnItsVector) {
  const auto file = open();
  ASSERT_EQ(file->enable_bus_master(), 0);
  ASSERT_EQ(file->enable_interrupts(3), 0);
  EXPECT_EQ(msix_control() & 0xc000, kMsixControlEnable);
  platform_.raise(end_, 2);
  platform_.raise(end_, 0);
  EXPECT_EQ(file->take_interrupts(2), 1u);
  EXPECT_EQ(file->take_interrupts(2), 0u);
  EXPECT_EQ(file->take_interrupts(0), 1u);
  EXPECT_EQ(file->take_interrupts(1), 0u);
  EXPECT_EQ(interrupts_.stray(), 0u);
}

TEST_F(DeviceFileTest, MoreVectorsThanTheTableHasAreRefused) {
  const auto file = open();
  EXPECT_EQ(file->enable_interrupts(9), ENOSPC);
  EXPECT_EQ(file->enable_interrupts(8), 0);
}

TEST_F(DeviceFileTest, EventsBehindFunctionMaskFireOnceAfterReprogramming) {
  PciDevice& function = device();
  {
    Msix old_kernel{platform_, interrupts_, function};
    enable_device(function);
    set_bus_master(function, true);
    ASSERT_EQ(old_kernel.enable(2), 0);
    old_kernel.mask_function();
  }
  interrupts_.disable();
  platform_.raise(end_, 1);
  platform_.raise(end_, 1);

  Interrupts next{platform_, BusAddress{0xfec0'0000}, BusAddress{0xfee0'0000}};
  next.enable();
  (void)next.allocate_vector();  // so that the vectors differ from the old kernel's
  platform_.writes.clear();
  Msix msix{platform_, next, function};
  ASSERT_EQ(msix.enable(2), 0);
  for (const auto& write : platform_.writes) {
    if (write.offset == FakeFunction::kMsix + kMsixControl) {
      EXPECT_NE(write.value & kMsixControlEnable, 0u);
    }
  }
  next.poll();
  EXPECT_EQ(next.take(msix.vector(1)), 1u);
  EXPECT_EQ(next.take(msix.vector(0)), 0u);
  EXPECT_EQ(next.stray(), 0u);
  EXPECT_EQ(platform_.discarded, 0u);
}

// A message may have left before the mask: only an answer that comes after it tells that it has arrived.
TEST_F(DeviceFileTest, MaskingTheFunctionWaitsForMessagesOnTheirWay) {
  Msix msix{platform_, interrupts_, device()};
  enable_device(device());
  ASSERT_EQ(msix.enable(1), 0);
  unsigned reads_behind_the_mask = 0;
  platform_.before_mmio_read = [&] {
    reads_behind_the_mask += (msix_control() & kMsixControlFunctionMask) != 0 ? 1 : 0;
  };
  msix.mask_function();
  EXPECT_GE(reads_behind_the_mask, 1u);
}

TEST_F(DeviceFileTest, ShutdownMasksWhatIsHandedOverAndDisablesTheRest) {
  const auto file = open();
  ASSERT_EQ(file->enable_interrupts(2), 0);
  file->shutdown(true);
  EXPECT_EQ(msix_control() & 0xc000, unsigned{kMsixControlEnable} | kMsixControlFunctionMask);
  file->shutdown(false);
  EXPECT_EQ(msix_control() & kMsixControlEnable, 0u);
}

TEST_F(DeviceFileTest, ResetKeepsInterruptsWorking) {
  const auto file = open();
  ASSERT_EQ(file->enable_bus_master(), 0);
  ASSERT_EQ(file->enable_interrupts(2), 0);
  ASSERT_EQ(file->reset(), 0);
  EXPECT_EQ(end_.resets, 2u);
  platform_.raise(end_, 1);
  EXPECT_EQ(file->take_interrupts(1), 1u);
}

}  // namespace
}  // namespace holdover::host::kernel
