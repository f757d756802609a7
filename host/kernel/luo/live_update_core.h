// SPDX-License-Identifier: MIT
// Everything of live update that a kernel has, wired together: KHO, LUO, the PCI and IOMMU parts, the file handlers.
//
// Boot: construct right after the page allocator (and, at a cold boot, after scratch was reserved), before anything
// else is allocated and before the IOMMU is initialised; iommu().incoming() then says what to adopt. Call connect()
// before user space. reboot(KEXEC): luo().freeze(); where it is 0, shut down, write kho().fdt() into the next boot
// parameters, jump.
#pragma once

#include <memory>

#include "host/kernel/boot_parameters.h"
#include "host/kernel/kho/kho.h"
#include "host/kernel/luo/handlers/iommu_live_update.h"
#include "host/kernel/luo/handlers/kernel_objects.h"
#include "host/kernel/luo/luo.h"
#include "host/kernel/pci/liveupdate.h"
#include "host/kernel/profile.h"

namespace holdover::host::kernel {

class LiveUpdateCore {
 public:
  // Everything referred to outlives it. With policies.live_update false all of it is off. Throws Panic as Luo does.
  LiveUpdateCore(pcie::Platform& platform, PageAllocator& pages, const BootParameters& parameters,
                 const Policies& policies, FileTable& files, MarkFunction mark, ConsoleLine console);
  ~LiveUpdateCore();

  // The parts that file handlers make objects with.
  void connect(Interrupts& interrupts, Iommu& iommu, PciBus& pci);

  [[nodiscard]] Kho& kho() { return kho_; }
  [[nodiscard]] Luo& luo() { return luo_; }
  [[nodiscard]] PciLiveUpdate& pci() { return pci_; }
  [[nodiscard]] IommuLiveUpdate& iommu() { return iommu_; }

 private:
  void register_handlers();

  KernelObjects objects_;
  Kho kho_;
  Luo luo_;
  PciLiveUpdate pci_;
  IommuLiveUpdate iommu_;
  std::unique_ptr<FileHandler> memory_;
  std::unique_ptr<FileHandler> address_space_;
  std::unique_ptr<FileHandler> device_;
};

}  // namespace holdover::host::kernel
