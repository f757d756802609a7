// SPDX-License-Identifier: MIT
// LUO's handler of iommufd address spaces (HWPT): page tables stay where they are, and in force.
#pragma once

#include "host/kernel/luo/file_handler.h"
#include "host/kernel/luo/handlers/iommu_live_update.h"
#include "host/kernel/luo/handlers/kernel_objects.h"

namespace holdover::host::kernel {

// Handle: the domain id; everything else stands in the FLB «iommu».
class AddressSpaceHandler : public FileHandler {
 public:
  // Both outlive it.
  AddressSpaceHandler(IommuLiveUpdate& iommu, KernelObjects& objects) : iommu_(iommu), objects_(objects) {}

  [[nodiscard]] std::string_view compatible() const override { return "iommufd-hwpt-v1"; }
  [[nodiscard]] bool can_preserve(const KernelFile& file) const override;
  // EINVAL: user space has not marked it; ENOMEM, ENOSPC, EADDRINUSE.
  [[nodiscard]] int preserve(FileState& state) override;
  void unpreserve(FileState& state) override;
  [[nodiscard]] int freeze(FileState& state) override;
  // ENOENT where the IOMMU state has no such domain.
  [[nodiscard]] int retrieve(FileState& state) override;
  void finish(FileState& state) override;

 private:
  IommuLiveUpdate& iommu_;
  KernelObjects& objects_;
};

}  // namespace holdover::host::kernel
