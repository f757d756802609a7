// SPDX-License-Identifier: MIT
// LUO's handler of VFIO devices: the function keeps its address, its bus mastering and, as the policies say, runs on.
#pragma once

#include <cstddef>
#include <cstdint>

#include "host/kernel/kho/kho.h"
#include "host/kernel/luo/file_handler.h"
#include "host/kernel/luo/handlers/binding_live_update.h"
#include "host/kernel/luo/handlers/iommu_live_update.h"
#include "host/kernel/luo/handlers/kernel_objects.h"
#include "host/kernel/pci/liveupdate.h"
#include "host/kernel/profile.h"

namespace holdover::host::kernel {

namespace device_abi {

inline constexpr std::string_view kCompatible = "vfio-pci-v1";
// The same layout under another string: a kernel that has it refuses what one with the other string hands over.
inline constexpr std::string_view kCompatible2 = "vfio-pci-v2";

// Handle: physical address of this, in a page of its own.
struct DeviceFileSer {
  std::uint32_t domain;  // PCI segment
  std::uint16_t bdf;
  std::uint16_t iommu_domain;       // identifier of the attached address space; 0: it does not go along
  std::uint32_t interrupt_vectors;  // MSI-X vectors in use at freeze; 0: MSI-X off
  std::uint32_t reserved;           // 0
};
static_assert(sizeof(DeviceFileSer) == 16 && offsetof(DeviceFileSer, interrupt_vectors) == 8);

}  // namespace device_abi

class DeviceHandler : public FileHandler {
 public:
  // All outlive it.
  DeviceHandler(Kho& kho, PciLiveUpdate& pci, IommuLiveUpdate& iommu, BindingLiveUpdate& bindings,
                KernelObjects& objects, const Policies& policies);

  [[nodiscard]] std::string_view compatible() const override {
    return policies_.device_handler == DeviceHandlerString::V1 ? device_abi::kCompatible : device_abi::kCompatible2;
  }
  [[nodiscard]] bool can_preserve(const KernelFile& file) const override;
  // The errors of PciLiveUpdate::preserve and, with the IOMMU's part, IommuLiveUpdate::preserve_device; ENOMEM.
  [[nodiscard]] int preserve(FileState& state) override;
  void unpreserve(FileState& state) override;
  // The errors of DeviceFile::freeze and IommuLiveUpdate::freeze.
  [[nodiscard]] int freeze(FileState& state) override;
  // EIO: state not preserved; ENODEV: the function was not found; the errors of
  // PciLiveUpdate::check_retrieve.
  [[nodiscard]] int retrieve(FileState& state) override;
  // Only once user space has retrieved the device and taken it up: it is attached to an address space.
  [[nodiscard]] bool can_finish(const FileState& state) const override;
  void finish(FileState& state) override;

 private:
  void write(const FileState& state, const DeviceState& device);

  Kho& kho_;
  PciLiveUpdate& pci_;
  IommuLiveUpdate& iommu_;
  BindingLiveUpdate& bindings_;
  KernelObjects& objects_;
  const Policies& policies_;
};

}  // namespace holdover::host::kernel
