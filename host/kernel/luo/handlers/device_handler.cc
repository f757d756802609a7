// SPDX-License-Identifier: MIT
#include "host/kernel/luo/handlers/device_handler.h"

#include <cerrno>

#include "host/kernel/kho/dram_value.h"

namespace holdover::host::kernel {
namespace {

using device_abi::DeviceFileSer;

constexpr Bytes kDeviceFileSerSize{sizeof(DeviceFileSer)};

}  // namespace

DeviceHandler::DeviceHandler(Kho& kho, PciLiveUpdate& pci, IommuLiveUpdate& iommu, BindingLiveUpdate& bindings,
                             KernelObjects& objects, const Policies& policies)
    : kho_(kho), pci_(pci), iommu_(iommu), bindings_(bindings), objects_(objects), policies_(policies) {}

bool DeviceHandler::can_preserve(const KernelFile& file) const {
  const auto* const device = dynamic_cast<const DeviceFile*>(&file);
  return device != nullptr && device->can_preserve() && !device->state().path.virtual_function;
}

void DeviceHandler::write(const FileState& state, const DeviceState& device) {
  const pcie::Bdf function = device.path.function;
  const bool domain_goes_along = device.attached && policies_.iommu_part == IommuPart::Series;
  const std::uint16_t domain_id = domain_goes_along ? device.domain_id : std::uint16_t{0};
  store(kho_.pages().dram(), state.handle,
        DeviceFileSer{function.segment, function.requester_id(), domain_id, device.interrupt_vectors, 0});
}

int DeviceHandler::preserve(FileState& state) {
  const DeviceState device = dynamic_cast<const DeviceFile&>(*state.file).state();
  if (const int error = pci_.preserve(device.path); error != 0) return error;
  int error = policies_.iommu_part == IommuPart::Series ? iommu_.preserve_device(device) : 0;
  if (error == 0) {
    error = bindings_.record(device.path.function, device.binding);
    if (error != 0) iommu_.unpreserve_device(device.path.function);
  }
  if (error == 0) {
    PhysicalAddress page;
    error = kho_.alloc_preserve(kDeviceFileSerSize, page);
    if (error != 0) {
      bindings_.forget(device.path.function);
      iommu_.unpreserve_device(device.path.function);
    }
    state.handle = page.raw();
  }
  if (error != 0) {
    pci_.unpreserve(device.path);
    return error;
  }
  write(state, device);
  return 0;
}

void DeviceHandler::unpreserve(FileState& state) {
  const PciPath path = dynamic_cast<const DeviceFile&>(*state.file).state().path;
  kho_.unpreserve_free(PhysicalAddress{state.handle}, kDeviceFileSerSize);
  bindings_.forget(path.function);
  iommu_.unpreserve_device(path.function);
  pci_.unpreserve(path);
}

int DeviceHandler::freeze(FileState& state) {
  auto& file = dynamic_cast<DeviceFile&>(*state.file);
  if (const int error = iommu_.freeze(); error != 0) return error;
  const DeviceState device = file.state();
  if (const int error = file.freeze(); error != 0) return error;
  write(state, device);
  return 0;
}

int DeviceHandler::retrieve(FileState& state) {
  const PhysicalAddress where{state.handle};
  if (!in_dram(kho_.pages().dram(), where, sizeof(DeviceFileSer)) || !kho_.can_restore(where, kDeviceFileSerSize)) {
    return EIO;
  }
  const auto handed = load<DeviceFileSer>(kho_.pages().dram(), state.handle);
  const auto function = pcie::Bdf::from_requester_id(handed.bdf, static_cast<std::uint16_t>(handed.domain));
  if (const int error = pci_.check_retrieve(function); error != 0) return error;
  DeviceState device;
  device.path = objects_.path(function);
  device.attached = handed.iommu_domain != 0;
  device.domain_id = handed.iommu_domain;
  device.interrupt_vectors = handed.interrupt_vectors;
  DeviceFile* const file = objects_.restore_device(device);
  if (file == nullptr) return ENODEV;
  state.file = file;
  return 0;
}

bool DeviceHandler::can_finish(const FileState& state) const {
  return state.retrieve_status > 0 && dynamic_cast<const DeviceFile&>(*state.file).state().attached;
}

void DeviceHandler::finish(FileState& state) {
  pci_.finish(dynamic_cast<const DeviceFile&>(*state.file).state().path);
  kho_.restore_free(PhysicalAddress{state.handle});
}

}  // namespace holdover::host::kernel
