// SPDX-License-Identifier: MIT
// The parts of the kernel that file handlers make objects with.
#pragma once

#include "host/kernel/file.h"
#include "host/kernel/iommu/iommu.h"
#include "host/kernel/irq/interrupts.h"
#include "host/kernel/mm/page_allocator.h"
#include "host/kernel/pci/pci_bus.h"
#include "host/kernel/profile.h"
#include "host/kernel/vfio/vfio_device.h"
#include "pcie/error.h"
#include "pcie/platform.h"

namespace holdover::host::kernel {

// Everything outlives the handlers. The pointers are set before user space starts.
struct KernelObjects {
  pcie::Platform& platform;
  PageAllocator& pages;
  const Policies& policies;
  FileTable& files;
  Interrupts* interrupts = nullptr;
  Iommu* iommu = nullptr;
  PciBus* pci = nullptr;

  [[nodiscard]] VfioContext vfio_context() const {
    HOLDOVER_CHECK(interrupts != nullptr && iommu != nullptr);
    return VfioContext{platform, files, *interrupts, *iommu, policies};
  }
};

}  // namespace holdover::host::kernel
