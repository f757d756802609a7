// SPDX-License-Identifier: MIT
// One endpoint below a root port that a kernel's parts have found, as tests of device files need it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "host/kernel/drivers/vfio_pci.h"
#include "host/kernel/file.h"
#include "host/kernel/pci/pci_bus.h"
#include "host/kernel/pci/resources.h"
#include "host/kernel/pci/setup_device.h"
#include "host/kernel/vfio/vfio_device.h"
#include "pcie/config_space.h"
#include "tests/support/fake_platform.h"

namespace holdover::host::kernel {

class DeviceFileTest : public ::testing::Test {
 protected:
  holdover::testing::FakePlatform platform_;
  holdover::testing::FakeFunction& root_ =
      platform_.add(nullptr, 1, holdover::testing::FakeFunction::bridge("root port", pcie::config::kPortTypeRootPort));
  holdover::testing::FakeFunction& end_ =
      platform_.add(&root_, 0, holdover::testing::FakeFunction::endpoint("endpoint"));
  Policies policies_;
  PageAllocator pages_{platform_.dram(), PhysicalAddress{4096}};
  Interrupts interrupts_{platform_, BusAddress{0xfec0'0000}, BusAddress{0xfee0'0000}};
  Iommu iommu_{platform_, pages_, BusAddress{0xfed9'0000}, IommuPart::Series};
  PciBus bus_{platform_, policies_, nullptr, 31, pcie::Phase::Boot};
  FileTable files_;
  DmaOwnership dma_{iommu_, pages_, policies_, files_};
  VfioPciDriver driver_{DriverContext{platform_, policies_}};

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
    device().driver = &driver_;
  }
  VfioContext context() { return VfioContext{platform_, interrupts_, iommu_, dma_, policies_}; }
  PciDevice& device() { return *bus_.find(pcie::Bdf{0, 1, 0, 0}); }
  FileReference<VfioDevice> open(VfioDoor door = VfioDoor::Cdev) {
    return FileReference<VfioDevice>(files_.add(std::make_unique<VfioDevice>(context(), device(), door)));
  }
  unsigned msix_control() const {
    return end_.get(holdover::testing::FakeFunction::kMsix + pcie::config::kMsixControl, 2);
  }
};

}  // namespace holdover::host::kernel
