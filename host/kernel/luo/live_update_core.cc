// SPDX-License-Identifier: MIT
#include "host/kernel/luo/live_update_core.h"

#include "host/kernel/luo/handlers/address_space_handler.h"
#include "host/kernel/luo/handlers/device_handler.h"
#include "host/kernel/luo/handlers/memory_handler.h"
#include "pcie/error.h"

namespace holdover::host::kernel {

LiveUpdateCore::LiveUpdateCore(PageAllocator& pages, const BootParameters& parameters, const Policies& policies,
                               KernelObjects& objects, MarkFunction mark, const ConsoleLine& console)
    : kho_(pages, parameters, policies.live_update, console, policies.scratch_check == ScratchCheck::On),
      luo_(std::make_unique<Luo>(kho_, console, mark)),
      pci_(std::make_unique<PciLiveUpdate>(
          kho_, *luo_, policies.pci == PciSeries::None ? std::nullopt : std::optional(policies.pci_rules),
          [&objects] { return objects.pci_functions(); }, std::move(mark), console)),
      iommu_(std::make_unique<IommuLiveUpdate>(kho_, *luo_, objects, policies)),
      bindings_(std::make_unique<BindingLiveUpdate>(kho_, *luo_)),
      memory_(std::make_unique<MemoryHandler>(kho_, objects, policies)),
      address_space_(std::make_unique<AddressSpaceHandler>(*iommu_, objects)),
      device_(std::make_unique<DeviceHandler>(kho_, *pci_, *iommu_, *bindings_, objects, policies)) {
  if (!luo_->enabled()) return;
  // Nobody else registers anything: a refusal is our own mistake.
  const auto expect_registered = [](int error) { HOLDOVER_CHECK(error == 0); };
  expect_registered(luo_->register_handler(*memory_));
  if (policies.pci == PciSeries::None) return;
  const bool iommu_part = policies.iommu_part == IommuPart::Series;
  if (iommu_part) expect_registered(luo_->register_handler(*address_space_));
  expect_registered(luo_->register_handler(*device_));
  if (iommu_part) {
    expect_registered(luo_->register_flb(*address_space_, *iommu_));
    expect_registered(luo_->register_flb(*device_, *iommu_));
  }
  expect_registered(pci_->register_flb(*device_));
  expect_registered(luo_->register_flb(*device_, *bindings_));
}

LiveUpdateCore::~LiveUpdateCore() = default;

}  // namespace holdover::host::kernel
