// SPDX-License-Identifier: MIT
// Everything of live update that a kernel has, wired together: KHO, LUO, the PCI and IOMMU parts, the file handlers.
//
// Kernel: construct right after the page allocator (and, at a cold boot, after scratch was reserved), before anything
// else is allocated and before the IOMMU is initialised; iommu().incoming() then says what to adopt. reboot(KEXEC):
// luo().freeze(); where it is 0, shut down, write kho().fdt() into the next boot parameters, jump.
#pragma once

#include <memory>

#include "host/kernel/boot_parameters.h"
#include "host/kernel/kho/kho.h"
#include "host/kernel/luo/handlers/binding_live_update.h"
#include "host/kernel/luo/handlers/iommu_live_update.h"
#include "host/kernel/luo/handlers/kernel_objects.h"
#include "host/kernel/luo/luo.h"
#include "host/kernel/pci/liveupdate.h"
#include "host/kernel/profile.h"

namespace holdover::host::kernel {

class LiveUpdateCore {
 public:
  // Everything referred to outlives it. Calls `objects` only after the constructor has returned. With
  // policies.live_update false all of it is off. Throws Panic as Luo does.
  LiveUpdateCore(PageAllocator& pages, const BootParameters& parameters, const Policies& policies,
                 KernelObjects& objects, MarkFunction mark, const ConsoleLine& console);
  ~LiveUpdateCore();

  [[nodiscard]] Kho& kho() { return kho_; }
  [[nodiscard]] Luo& luo() { return *luo_; }
  [[nodiscard]] PciLiveUpdate& pci() { return *pci_; }
  [[nodiscard]] IommuLiveUpdate& iommu() { return *iommu_; }
  [[nodiscard]] BindingLiveUpdate& bindings() { return *bindings_; }

 private:
  Kho kho_;
  std::unique_ptr<Luo> luo_;
  std::unique_ptr<PciLiveUpdate> pci_;
  std::unique_ptr<IommuLiveUpdate> iommu_;
  std::unique_ptr<BindingLiveUpdate> bindings_;
  std::unique_ptr<FileHandler> memory_;
  std::unique_ptr<FileHandler> address_space_;
  std::unique_ptr<FileHandler> device_;
};

}  // namespace holdover::host::kernel
