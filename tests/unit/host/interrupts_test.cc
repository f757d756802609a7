// SPDX-License-Identifier: MIT
// Vectors, MSI-X programming and device files over the fake platform.
#include "host/kernel/irq/interrupts.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "host/kernel/pci/path.h"
#include "host/kernel/pci/pci_bus.h"
#include "host/kernel/pci/resources.h"
#include "host/kernel/pci/setup_device.h"
#include "host/kernel/vfio/vfio_device.h"
#include "pcie/config_space.h"
#include "tests/support/fake_platform.h"

namespace holdover::host::kernel {
namespace {

using namespace pcie::config;
using testing::FakeFunction;

class DeviceFileTest : public ::testing::Test {
 protected:
  testing::FakePlatform platform_;
  FakeFunction& root_ = platform_.add(nullptr, 1, FakeFunction::bridge("root port", kPortTypeRootPort));
  FakeFunction& end_ = platform_.add(&root_, 0, FakeFunction::endpoint("endpoint"));
  Policies policies_;
  PageAllocator pages_{platform_.dram(), PhysicalAddress{4096}};
  Interrupts interrupts_{platform_, BusAddress{0xfec0'0000}, BusAddress{0xfee0'0000}};
  Iommu iommu_{platform_, pages_, BusAddress{0xfed9'0000}};
  PciBus bus_{platform_, policies_, nullptr, 31, pcie::Phase::Boot};
  FileTable files_;

  DeviceFileTest() {
    pages_.reserve(PhysicalAddress{0}, 1, PageState::Reserved);
    interrupts_.enable();
    iommu_.reset();
    bus_.scan();
    assign_resources(bus_, HostWindows{AddressRange(BusAddress{0xe000'0000}, Bytes{0x1000'0000}),
                                       AddressRange(BusAddress{0x80'0000'0000}, Bytes{0x10'0000'0000})});
    bus_.for_each([](PciDevice& device) {
      if (device.express_port()) enable_device(device);
    });
  }
  VfioContext context() { return VfioContext{platform_, interrupts_, iommu_, policies_}; }
  PciDevice& device() { return *bus_.find(pcie::Bdf{0, 1, 0, 0}); }
  FileReference<VfioDevice> open() {
    return FileReference<VfioDevice>(files_.add(std::make_unique<VfioDevice>(context(), device())));
  }
  unsigned msix_control() const { return end_.get(FakeFunction::kMsix + kMsixControl, 2); }
};

TEST_F(DeviceFileTest, OpenResetsTheFunctionAndRestoresItsAddresses) {
  const std::uint64_t bar = end_.bar(0);
  const auto file = open();
  EXPECT_EQ(end_.resets, 1u);
  EXPECT_EQ(end_.bar(0), bar);
  EXPECT_EQ(end_.get(kCommand, 2) & (kCommandMemory | kCommandBusMaster), kCommandMemory);
}

TEST_F(DeviceFileTest, RegistersAreReachedThroughTheBar) {
  const auto file = open();
  file->write(0, Bytes{0x10}, 0x1234'5678);
  EXPECT_EQ(end_.registers[0x10], 0x78);
  file->write(0, Bytes{0x14}, 0x9abc'def0);
  EXPECT_EQ(file->load(0, Bytes{0x10}, 4), 0x1234'5678u);
  EXPECT_EQ(file->load(0, Bytes{0x12}, 2), 0x1234u);
  EXPECT_EQ(file->load(0, Bytes{0x11}, 1), 0x56u);
  EXPECT_EQ(file->load(0, Bytes{0x10}, 8), 0x9abc'def0'1234'5678u);
  EXPECT_EQ(file->bar_size(0), 64_KiB);
  EXPECT_EQ(file->bar_size(1), 0_B);
}

TEST_F(DeviceFileTest, EachEventIsCountedOnItsVector) {
  const auto file = open();
  file->enable_bus_master();
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
  file->enable_bus_master();
  ASSERT_EQ(file->enable_interrupts(2), 0);
  ASSERT_EQ(file->reset(), 0);
  EXPECT_EQ(end_.resets, 2u);
  platform_.raise(end_, 1);
  EXPECT_EQ(file->take_interrupts(1), 1u);
}

TEST_F(DeviceFileTest, AFunctionWithoutFlrIsNotReset) {
  end_.set(FakeFunction::kExpress + kExpressDeviceCapabilities, 4, 2);
  const auto file = open();
  EXPECT_EQ(file->reset(), ENOTTY);
  EXPECT_EQ(end_.resets, 0u);
}

TEST_F(DeviceFileTest, CloseStopsTheFunctionAndGivesItBack) {
  auto file = open();
  file->enable_bus_master();
  ASSERT_EQ(file->enable_interrupts(1), 0);
  FileReference<IommuDomain> space(files_.add(IommuDomain::create(pages_, iommu_)));
  ASSERT_EQ(file->attach(*space), 0);
  file.close();
  EXPECT_EQ(end_.get(kCommand, 2) & kCommandBusMaster, 0u);
  EXPECT_EQ(msix_control() & kMsixControlEnable, 0u);
  EXPECT_FALSE(iommu_.attached(pcie::Bdf{0, 1, 0, 0}).has_value());
  EXPECT_EQ(device().open, nullptr);
}

TEST_F(DeviceFileTest, RetrieveTouchesNothing) {
  FileReference<IommuDomain> space(files_.add(IommuDomain::create(pages_, iommu_)));
  ASSERT_EQ(iommu_.attach(pcie::Bdf{0, 1, 0, 0}, *space), 0);
  DeviceState state;
  state.path = path_to(device());
  state.attached = true;
  state.domain_id = space->identifier();
  platform_.writes.clear();
  const FileReference<VfioDevice> file(files_.add(std::make_unique<VfioDevice>(context(), device(), state)));
  EXPECT_TRUE(platform_.writes.empty());
  EXPECT_EQ(file->state().domain_id, space->identifier());
  EXPECT_EQ(file->state().path.bridges, (std::vector<pcie::Bdf>{pcie::Bdf{0, 0, 1, 0}}));
}

TEST_F(DeviceFileTest, AfterTheResetOfAFreezeTheFileIsDead) {
  const auto file = open();
  file->reset_for_freeze();
  EXPECT_EQ(end_.resets, 2u);
  EXPECT_EQ(end_.get(kCommand, 2), kCommandIntxDisable);
  EXPECT_EQ(file->load(0, Bytes{0}, 4), 0xffff'ffffu);
  EXPECT_EQ(file->load(0, Bytes{0}, 8), 0xffff'ffff'ffff'ffffu);
  EXPECT_EQ(file->enable_interrupts(1), EIO);
}

}  // namespace
}  // namespace holdover::host::kernel
