// SPDX-License-Identifier: MIT
// Vectors and MSI-X programming over the fake platform.
#include "host/kernel/irq/interrupts.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>

#include "host/kernel/irq/interrupt_remapping.h"
#include "host/kernel/panic.h"
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

class RemappingTest : public DeviceFileTest {
 protected:
  RemappingTest() {
    remapping_.reset();
    interrupts_.use(remapping_);
    enable_device(device());
    set_bus_master(device(), true);
  }
  std::uint64_t word(unsigned index, unsigned which) {
    std::uint64_t value = 0;
    std::memcpy(&value, &platform_.dram()[remapping_.table().raw() + 16 * index + 8 * which], sizeof value);
    return value;
  }
  InterruptRemapping remapping_{platform_, pages_, BusAddress{0xfed9'0000}};
};

TEST_F(RemappingTest, AMessageNamesAnEntryThatNamesVectorAndSource) {
  EXPECT_TRUE(remapping_.enabled());
  EXPECT_EQ(platform_.iommu_remap, remapping_.table().raw() | 7);
  Msix msix{platform_, interrupts_, device()};
  ASSERT_EQ(msix.enable(2), 0);
  std::uint32_t address = 0;
  std::memcpy(&address, &end_.registers[FakeFunction::kMsixTable + 16], sizeof address);
  EXPECT_EQ(address, 0xfee0'0030u) << "remappable, handle 1";
  EXPECT_EQ(word(1, 0), std::uint64_t{msix.vector(1)} << 16 | 1);
  EXPECT_EQ(word(1, 1), 0x4'0100u) << "only function 01:00.0";
  platform_.raise(end_, 1);
  interrupts_.poll();
  EXPECT_EQ(interrupts_.take(msix.vector(1)), 1u);
  msix.disable();
  EXPECT_EQ(word(1, 0), 0u);
}

TEST_F(RemappingTest, AnAdoptedTableServesOldMessagesUntilTheFunctionHasNewOnes) {
  Msix old_kernel{platform_, interrupts_, device()};
  ASSERT_EQ(old_kernel.enable(2), 0);
  old_kernel.mask_function();

  Interrupts next{platform_, BusAddress{0xfec0'0000}, BusAddress{0xfee0'0000}};
  next.enable();
  InterruptRemapping adopted{platform_, pages_, BusAddress{0xfed9'0000}};
  adopted.adopt(remapping_.table());
  next.use(adopted);
  EXPECT_EQ(platform_.remapping_fell, 0u);
  EXPECT_NE(word(1, 0), 0u);
  platform_.raise(end_, 1);
  Msix msix{platform_, next, device()};
  ASSERT_EQ(msix.enable(2), 0);
  EXPECT_EQ(word(0, 0), 0u) << "of the old kernel";
  EXPECT_EQ(word(3, 0), std::uint64_t{msix.vector(1)} << 16 | 1);
  next.poll();
  EXPECT_EQ(next.take(msix.vector(1)), 1u);
  EXPECT_EQ(platform_.blocked, 0u);
}

// H035
TEST_F(RemappingTest, AReplacedTableBlocksWhatWasProgrammedForTheOldOne) {
  Msix old_kernel{platform_, interrupts_, device()};
  ASSERT_EQ(old_kernel.enable(1), 0);
  InterruptRemapping replaced{platform_, pages_, BusAddress{0xfed9'0000}};
  replaced.reset();
  EXPECT_EQ(platform_.remapping_fell, 1u);
  EXPECT_NE(replaced.table(), remapping_.table());
  platform_.raise(end_, 0);
  EXPECT_EQ(platform_.blocked, 1u);
}

TEST_F(RemappingTest, AdoptRefusesAnotherTable) {
  InterruptRemapping next{platform_, pages_, BusAddress{0xfed9'0000}};
  EXPECT_THROW(next.adopt(PhysicalAddress{0x7000}), Panic);
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
