// SPDX-License-Identifier: MIT
// Kernel objects without a kernel, for the file handlers: files that only remember what was done to them.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "host/kernel/luo/handlers/kernel_objects.h"

namespace holdover::host::kernel::testing {

inline constexpr pcie::Bdf kPort{0, 0, 1, 0};  // above each device

class FakeMemory : public MemoryFile {
 public:
  FakeMemory(PhysicalAddress first, std::uint64_t count) {
    memory.size = count * kPageSize;
    for (const PreservedFolio& folio : split_into_folios(first, count)) {
      memory.folios.push_back({(folio.address - first) / kPageSize, folio.address, folio.order});
    }
  }
  explicit FakeMemory(MemoryState state) : memory(std::move(state)) {}
  PhysicalAddress first() const { return memory.folios.front().address; }
  std::uint64_t page_count() const { return memory.page_count(); }
  MemoryState state() const override { return memory; }
  bool huge() const override { return false; }
  void set_frozen(bool value) override { frozen = value; }

  MemoryState memory;
  bool frozen = false;
};

class FakeSpace : public AddressSpaceFile {
 public:
  explicit FakeSpace(AddressSpaceState state) : state_(std::move(state)) {}
  AddressSpaceState state() const override { return state_; }
  void set_preserved(bool value) override { preserved = value; }
  bool preserved = false;

 private:
  AddressSpaceState state_;
};

class FakeDevice : public DeviceFile {
 public:
  explicit FakeDevice(DeviceState state) : device(std::move(state)) {}
  DeviceState state() const override { return device; }
  bool can_preserve() const override { return preservable; }
  int freeze() override {
    ++freezes;
    return freeze_errno;
  }
  DeviceState device;
  bool preservable = true;
  int freeze_errno = 0;
  int freezes = 0;
};

// One kernel's objects, without hardware.
class FakeObjects : public KernelObjects {
 public:
  IommuState iommu_state() const override { return unit; }
  MemoryFile* restore_memory(const MemoryState& state) override {
    memories.push_back(std::make_unique<FakeMemory>(state));
    return memories.back().get();
  }
  AddressSpaceFile& restore_address_space(const AddressSpaceState& state) override {
    AddressSpaceState marked = state;
    marked.marked = true;  // as user space does before the next update
    spaces.push_back(std::make_unique<FakeSpace>(std::move(marked)));
    return *spaces.back();
  }
  DeviceFile* restore_device(const DeviceState& state) override {
    if (!function_there) return nullptr;
    DeviceState bound = state;
    bound.dma_owner = true;
    devices.push_back(std::make_unique<FakeDevice>(std::move(bound)));
    return devices.back().get();
  }
  PciPath path(pcie::Bdf function) const override { return PciPath{function, {kPort}, false, false}; }
  std::uint64_t pci_functions() const override { return 2; }

  IommuState unit;
  bool function_there = true;
  std::vector<std::unique_ptr<FakeMemory>> memories;
  std::vector<std::unique_ptr<FakeSpace>> spaces;
  std::vector<std::unique_ptr<FakeDevice>> devices;
};

}  // namespace holdover::host::kernel::testing
