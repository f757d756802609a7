// SPDX-License-Identifier: MIT
#include "tests/support/fake_platform.h"

#include <algorithm>
#include <cstring>

#include "pcie/config_space.h"

namespace holdover::testing {
namespace {

using namespace pcie::config;

constexpr std::uint64_t kIommu = 0xfed9'0000;
constexpr std::uint64_t kInterruptController = 0xfec0'0000;
constexpr std::uint64_t kMsiWindow = 0xfee0'0000;
constexpr std::uint32_t kTranslation = 1u << 31;
constexpr std::uint32_t kRemapping = 1u << 25;

void allow(FakeFunction& function, unsigned offset, unsigned size, std::uint32_t mask) {
  for (unsigned byte = 0; byte < size; ++byte) {
    function.writable[offset + byte] = static_cast<std::uint8_t>(mask >> (8 * byte));
  }
}

void add_capability(FakeFunction& function, unsigned offset, unsigned id, unsigned next) {
  function.set(offset, 1, id);
  function.set(offset + 1, 1, next);
}

}  // namespace

std::unique_ptr<FakeFunction> FakeFunction::endpoint(std::string name) {
  auto function = std::make_unique<FakeFunction>();
  FakeFunction& f = *function;
  f.name = std::move(name);
  f.set(kVendorId, 4, 0x0d17'1172);
  f.set(kStatus, 2, kStatusCapabilityList);
  f.set(kRevision, 4, 0x1200'0001);
  allow(f, kCommand, 2, 0x0547);
  allow(f, kBar0, 4, 0xffff'0000);
  f.set(kBar0 + 8, 4, 0xc);
  allow(f, kBar0 + 8, 4, 0xffff'0000);
  allow(f, kBar0 + 12, 4, 0xffff'ffff);
  allow(f, kInterruptLine, 1, 0xff);
  f.set(kCapabilityPointer, 1, kPowerManagement);
  add_capability(f, kPowerManagement, kCapPowerManagement, kMsix);
  f.set(kPowerManagement + 2, 2, 0x4803);
  f.set(kPowerManagement + 4, 2, kPmNoSoftReset);
  allow(f, kPowerManagement + 4, 2, 0x0103);
  f.clears[kPowerManagement + 5] = 0x80;
  add_capability(f, kMsix, kCapMsix, kExpress);
  f.set(kMsix + kMsixControl, 2, 7);
  f.set(kMsix + pcie::config::kMsixTable, 4, static_cast<std::uint32_t>(FakeFunction::kMsixTable));
  allow(f, kMsix + kMsixControl, 2, 0xc000);
  add_capability(f, kExpress, kCapExpress, 0);
  f.set(kExpress + kExpressFlags, 2, 0x0002);
  f.set(kExpress + kExpressDeviceCapabilities, 4, kDeviceCapabilitiesFlr | 1u << 5 | 2);
  f.set(kExpress + kExpressDeviceControl, 2, 0x2810);
  allow(f, kExpress + kExpressDeviceControl, 2, 0x7fff);
  allow(f, kExpress + kExpressLinkControl, 2, 0x0048);
  f.registers.resize(0x1'0000);
  for (unsigned entry = 0; entry < 8; ++entry) f.registers[FakeFunction::kMsixTable + 16 * entry + 12] = 1;
  return function;
}

std::unique_ptr<FakeFunction> FakeFunction::bridge(std::string name, unsigned port_type) {
  auto function = std::make_unique<FakeFunction>();
  FakeFunction& f = *function;
  f.name = std::move(name);
  f.set(kVendorId, 4, 0x0b1d'1172);
  f.set(kStatus, 2, kStatusCapabilityList);
  f.set(kRevision, 4, 0x0604'0000);
  f.set(kHeaderType, 1, 1);
  allow(f, kCommand, 2, 0x0547);
  allow(f, kPrimaryBus, 4, 0x00ff'ffff);
  allow(f, kMemoryBase, 4, 0xfff0'fff0);
  f.set(kPrefetchBase, 4, 0x0001'0001);
  allow(f, kPrefetchBase, 4, 0xfff0'fff0);
  allow(f, kPrefetchBaseUpper, 4, 0xffff'ffff);
  allow(f, kPrefetchLimitUpper, 4, 0xffff'ffff);
  allow(f, kBridgeControl, 2, 0x0063);
  f.set(kCapabilityPointer, 1, kExpress);
  add_capability(f, kExpress, kCapExpress, 0);
  f.set(kExpress + kExpressFlags, 2, 0x0002 | port_type << 4);
  f.set(kExpress + kExpressDeviceCapabilities, 4, 1u << 5 | 1);
  allow(f, kExpress + kExpressDeviceControl, 2, 0x7fff);
  allow(f, kExpress + kExpressLinkControl, 2, 0x0048);
  return function;
}

std::uint32_t FakeFunction::get(unsigned offset, unsigned size) const {
  std::uint32_t value = 0;
  std::memcpy(&value, space.data() + offset, size);
  return value;
}

void FakeFunction::set(unsigned offset, unsigned size, std::uint32_t value) {
  std::memcpy(space.data() + offset, &value, size);
}

std::uint64_t FakeFunction::bar(unsigned index) const {
  const std::uint32_t low = get(kBar0 + 4 * index, 4);
  const std::uint64_t high = (low & 6) == 4 ? get(kBar0 + 4 * index + 4, 4) : 0;
  return high << 32 | (low & ~0xfu);
}

FakePlatform::FakePlatform(std::uint64_t dram_bytes) : dram_(dram_bytes) {}

FakeFunction& FakePlatform::add(FakeFunction* parent, unsigned device, std::unique_ptr<FakeFunction> function) {
  FakeFunction& added = *function;
  added.parent = parent;
  (parent == nullptr ? roots_ : parent->below).emplace_back(device, std::move(function));
  return added;
}

PhysicalAddress FakePlatform::write_boot_page(const std::string& command_line) {
  host::kernel::BootParameters parameters;
  parameters.dram_bytes = dram_.size();
  parameters.ecam_base = 0xd000'0000;
  parameters.last_bus = 31;
  parameters.window32_base = 0xe000'0000;
  parameters.window32_bytes = 0x1000'0000;
  parameters.window64_base = 0x80'0000'0000;
  parameters.window64_bytes = 0x10'0000'0000;
  parameters.iommu_base = kIommu;
  parameters.interrupt_controller_base = kInterruptController;
  parameters.msi_base = kMsiWindow;
  std::copy(command_line.begin(), command_line.end(), parameters.command_line.begin());
  const PhysicalAddress where{4096};
  host::kernel::write_boot_parameters(dram_, where, parameters);
  return where;
}

void FakePlatform::raise(FakeFunction& function, unsigned vector) {
  function.pending |= 1u << vector;
  deliver(function);
}

FakeFunction* FakePlatform::route(pcie::Bdf target, unsigned bus, Functions& functions) {
  for (auto& [device, function] : functions) {
    if (target.bus == bus) {
      if (device == target.device && target.function == 0) return function.get();
      continue;
    }
    if (!function->bridge()) continue;
    const unsigned secondary = function->get(kSecondaryBus, 1);
    if (secondary == 0 || target.bus < secondary || target.bus > function->get(kSubordinateBus, 1)) continue;
    return route(target, secondary, function->below);
  }
  return nullptr;
}

std::uint32_t FakePlatform::config_read(pcie::Bdf target, Bytes offset, unsigned size) {
  const FakeFunction* function = route(target, 0, roots_);
  if (function == nullptr) return size == 4 ? 0xffff'ffff : (1u << (8 * size)) - 1;
  return function->get(static_cast<unsigned>(offset.count()), size);
}

void FakePlatform::config_write(pcie::Bdf target, Bytes where, unsigned size, std::uint32_t value) {
  FakeFunction* function = route(target, 0, roots_);
  if (function == nullptr) return;
  const auto offset = static_cast<unsigned>(where.count());
  writes.push_back({function->name, offset, size, value});
  const unsigned control = FakeFunction::kExpress + kExpressDeviceControl;
  if (offset == control && (value & kDeviceControlFlr) != 0) {
    ++function->resets;
    if (on_reset) on_reset(*function);
    for (unsigned byte = kBar0; byte < kBar0 + 24; ++byte) {
      function->space[byte] &= static_cast<std::uint8_t>(~function->writable[byte]);
    }
    function->set(kCommand, 2, 0);
    function->set(FakeFunction::kMsix + kMsixControl, 2, 7);
    return;
  }
  for (unsigned byte = 0; byte < size; ++byte) {
    std::uint8_t& old = function->space[offset + byte];
    const auto written = static_cast<std::uint8_t>(value >> (8 * byte));
    const std::uint8_t mask = function->writable[offset + byte];
    old = static_cast<std::uint8_t>((old & ~mask) | (written & mask));
    old = static_cast<std::uint8_t>(old & ~(written & function->clears[offset + byte]));
  }
  if (!function->bridge()) deliver(*function);
}

std::uint8_t* FakePlatform::memory(BusAddress address, unsigned size, Functions& functions) {
  for (auto& [device, function] : functions) {
    if ((function->get(kCommand, 2) & kCommandMemory) == 0) continue;
    if (function->bridge()) {
      const std::uint32_t window = function->get(kMemoryBase, 4);
      const std::uint64_t base = std::uint64_t{window & 0xfff0} << 16;
      const std::uint64_t limit = (window & 0xfff0'0000) | 0xf'ffff;
      if (address.raw() >= base && address.raw() <= limit) return memory(address, size, function->below);
    } else if (address.raw() >= function->bar(0) && address.raw() + size <= function->bar(0) + 0x1'0000) {
      return function->registers.data() + (address.raw() - function->bar(0));
    }
  }
  return nullptr;
}

std::uint64_t FakePlatform::mmio_read(BusAddress address, unsigned size) {
  if (before_mmio_read) before_mmio_read();
  if (address.raw() >= kIommu && address.raw() < kIommu + 0x1000) {
    switch (address.raw() - kIommu) {
      case 0x08:
        return 6;  // domain identifiers: 16 bits
      case 0x10:
        return 0x10 << 8;
      case 0x1c:
        return iommu_status;
      case 0x20:
        return iommu_root;
      case 0xb8:
        return iommu_remap;
      default:
        return 0;
    }
  }
  if (address.raw() == kInterruptController) return interrupts_on ? 1 : 0;
  const std::uint8_t* bytes = memory(address, size, roots_);
  std::uint64_t value = 0;
  if (bytes == nullptr) return ~std::uint64_t{0} >> (64 - 8 * size);
  std::memcpy(&value, bytes, size);
  return value;
}

void FakePlatform::mmio_write(BusAddress address, unsigned size, std::uint64_t value) {
  if (address.raw() == kIommu + 0x18) {
    if ((iommu_status & kTranslation) != 0 && (value & kTranslation) == 0) ++translation_fell;
    if ((iommu_status & kRemapping) != 0 && (value & kRemapping) == 0) ++remapping_fell;
    iommu_status = static_cast<std::uint32_t>(value) | (iommu_status & (1u << 30));
  } else if (address.raw() == kIommu + 0x20) {
    iommu_root = value;
  } else if (address.raw() == kIommu + 0xb8) {
    iommu_remap = value;
  } else if (address.raw() == kInterruptController) {
    interrupts_on = (value & 1) != 0;
  } else if (std::uint8_t* bytes = memory(address, size, roots_); bytes != nullptr) {
    std::memcpy(bytes, &value, size);
    const std::function<void(Functions&)> deliver_all = [&](Functions& functions) {
      for (auto& [device, function] : functions) {
        if (!function->bridge()) deliver(*function);
        deliver_all(function->below);
      }
    };
    deliver_all(roots_);
  }
}

std::optional<std::uint8_t> FakePlatform::take_interrupt() {
  for (unsigned vector = 0; vector < 256; ++vector) {
    if (!pending_[vector]) continue;
    pending_[vector] = false;
    return static_cast<std::uint8_t>(vector);
  }
  return std::nullopt;
}

bool FakePlatform::may_send(const FakeFunction& function) {
  for (const FakeFunction* f = &function; f != nullptr; f = f->parent) {
    if ((f->get(kCommand, 2) & kCommandBusMaster) == 0) return false;
  }
  return true;
}

// The vector that a message raises; the source of a remapped one is not looked at.
std::optional<std::uint8_t> FakePlatform::target_of(const std::uint8_t* entry) const {
  if ((iommu_status & kRemapping) == 0) return entry[8];
  std::uint32_t address = 0;
  std::memcpy(&address, entry, sizeof address);
  std::uint64_t low = 0;
  if ((address & 0x10) == 0) return std::nullopt;
  std::memcpy(&low, dram_.data() + (iommu_remap & ~0xfffull) + 16 * (address >> 5 & 0x7fff), sizeof low);
  if ((low & 1) == 0) return std::nullopt;
  return static_cast<std::uint8_t>(low >> 16);
}

void FakePlatform::deliver(FakeFunction& function) {
  const std::uint32_t control = function.get(FakeFunction::kMsix + kMsixControl, 2);
  if ((control & 0xc000) != kMsixControlEnable || !may_send(function)) return;
  for (unsigned vector = 0; vector < 8; ++vector) {
    const std::uint8_t* entry = function.registers.data() + FakeFunction::kMsixTable + 16 * vector;
    if ((function.pending >> vector & 1) == 0 || (entry[12] & 1) != 0) continue;
    function.pending &= ~(1u << vector);
    const std::optional<std::uint8_t> target = target_of(entry);
    if (!target) {
      ++blocked;
    } else if (interrupts_on) {
      pending_[*target] = true;
    } else {
      ++discarded;
    }
  }
}

}  // namespace holdover::testing
