// SPDX-License-Identifier: MIT
#include "host/kernel/kernel.h"

#include <algorithm>
#include <cerrno>
#include <set>

#include "host/kernel/drivers/pci_stub.h"
#include "host/kernel/drivers/vfio_pci.h"
#include "host/kernel/hazard.h"
#include "host/kernel/panic.h"
#include "host/kernel/pci/function_reset.h"
#include "host/kernel/pci/path.h"
#include "host/kernel/pci/runtime_power.h"
#include "host/kernel/policy.h"
#include "pcie/command_line.h"
#include "pcie/error.h"

namespace holdover::host::kernel {
namespace {

using pcie::Phase;
using pcie::Step;

constexpr Iova kFirstHighIova{std::uint64_t{1} << 32};

template <typename Entries, typename Name>
std::string names(const Entries& entries, Name name) {
  std::string list;
  for (const auto& entry : entries) list += (list.empty() ? "" : ", ") + std::string(name(entry));
  return list;
}

Policies read_policies(const BootParameters& parameters, bool booted_by_kexec) {
  const std::string profile = command_line_value(command_line(parameters), "profile");
  std::optional<Policies> policies = find_profile(profile.empty() ? profiles().front().name : profile);
  if (!policies) {
    throw Error(ErrorCode::InvalidArgument, "There is no kernel profile «" + profile + "»; there are " +
                                                names(profiles(), [](const Profile& entry) { return entry.name; }) +
                                                ".");
  }
  for (const std::string& assignment : command_line_values(command_line(parameters), "policy"))
    change_policy(*policies, assignment);
  for (const std::string& name : command_line_values(command_line(parameters), "hazard")) {
    const Hazard* hazard = find_hazard(name);
    if (hazard == nullptr) {
      throw Error(ErrorCode::InvalidArgument, "There is no hazard «" + name + "»; there are " +
                                                  names(hazards(), [](const Hazard& entry) { return entry.name; }) +
                                                  ".");
    }
    hazard->apply(*policies);
  }
  if (!booted_by_kexec) {
    // Mistakes of a kernel that finds functions running: a cold boot has none.
    policies->mistakes.bar_restore_lost = false;
    policies->mistakes.function_reset = false;
    policies->mistakes.secondary_bus_reset = false;
  }
  return *policies;
}

}  // namespace

Kernel::Kernel(pcie::Platform& platform, PhysicalAddress boot_parameters)
    : platform_(platform),
      parameters_address_(boot_parameters),
      parameters_(read_boot_parameters(platform.dram(), boot_parameters)),
      booted_by_kexec_(parameters_.kho_scratch != 0 || is_crash_kernel()),
      next_high_iova_(kFirstHighIova) {
  policies_ = read_policies(parameters_, booted_by_kexec_);
  // KHO is disabled in a kdump kernel.
  if (is_crash_kernel()) policies_.live_update = false;
}

Kernel::~Kernel() { stop(); }

void Kernel::panic(std::string_view reason) {
  if (stopped()) return;
  print("Kernel panic: " + std::string(reason));
  platform_.mark(boot_phase(Phase::After), Step::Panic, 0);
  stop();
}

std::vector<pcie::Bdf> Kernel::functions() const {
  std::vector<pcie::Bdf> functions;
  pci_->for_each([&](const PciDevice& device) {
    if (!device.bridge) functions.push_back(device.bdf);
  });
  std::sort(functions.begin(), functions.end());
  return functions;
}

std::vector<pcie::Bdf> Kernel::vfio_devices() const {
  std::vector<pcie::Bdf> functions;
  pci_->for_each([&](const PciDevice& device) {
    if (device.driver != nullptr && device.driver->for_user_space()) functions.push_back(device.bdf);
  });
  std::sort(functions.begin(), functions.end());
  return functions;
}

int Kernel::open_device(pcie::Bdf bdf, FileReference<VfioDevice>& out, VfioDoor door) {
  PciDevice* device = pci_->find(bdf);
  if (device == nullptr || device->driver == nullptr || !device->driver->for_user_space()) return ENODEV;
  if (device->open != nullptr || pci_->incoming(*device)) return EBUSY;
  out = FileReference<VfioDevice>(files_.add(std::make_unique<VfioDevice>(vfio_context(), *device, door)));
  return 0;
}

int Kernel::unbind(pcie::Bdf function) {
  PciDevice* device = pci_->find(function);
  if (device == nullptr || device->driver == nullptr) return ENODEV;
  if (device->open != nullptr) return EBUSY;
  // pci_device_remove() wakes the function first.
  resume(*hardware_, policies_, *device);
  if (device->probed) device->driver->remove(*device);
  device->driver = nullptr;
  device->probed = false;
  return 0;
}

int Kernel::remove_driver(pcie::Bdf function) {
  const PciDevice* device = pci_->find(function);
  if (device == nullptr || device->driver == nullptr) return ENODEV;
  std::vector<pcie::Bdf> bound;
  bool used = false;
  pci_->for_each([&](const PciDevice& other) {
    if (other.driver != device->driver) return;
    bound.push_back(other.bdf);
    used = used || other.open != nullptr;
  });
  if (used) return EBUSY;
  for (const pcie::Bdf each : bound) {
    const int error = unbind(each);
    HOLDOVER_CHECK(error == 0);
  }
  return 0;
}

int Kernel::bind(pcie::Bdf function, std::string_view driver) {
  PciDevice* device = pci_->find(function);
  if (device == nullptr || device->bridge || policies_.endpoint_driver == EndpointDriver::None) return ENODEV;
  const PciDriver* match = drivers_->find(*device);
  if (match == nullptr || match->name() != driver) return ENODEV;
  if (device->driver != nullptr) return EBUSY;
  bind_driver(*device, pci_->incoming(*device));
  return device->driver == nullptr ? ENODEV : 0;
}

int Kernel::probe_drivers(pcie::Bdf function) {
  PciDevice* device = pci_->find(function);
  if (device == nullptr) return ENODEV;
  if (device->bridge || device->driver != nullptr || policies_.endpoint_driver == EndpointDriver::None) return 0;
  if (drivers_->find(*device) != nullptr) bind_driver(*device, pci_->incoming(*device));
  return 0;
}

std::vector<std::string> Kernel::driver_names() const {
  std::set<std::string> names;
  if (policies_.endpoint_driver != EndpointDriver::None) names = {std::string(kVfioPci), std::string(kPciStub)};
  pci_->for_each([&](const PciDevice& device) {
    if (device.port_driver != nullptr) names.emplace(kPortDriverName);
    if (device.driver != nullptr) names.emplace(device.driver->name());
  });
  return {names.begin(), names.end()};
}

int Kernel::reset(pcie::Bdf function) {
  PciDevice* device = pci_->find(function);
  if (device == nullptr) return ENODEV;
  if (device->open != nullptr) return device->open->reset();
  const bool asleep = device->suspended.has_value();
  resume(*hardware_, policies_, *device);
  const int error = reset_function(*hardware_, policies_, *device);
  if (asleep) suspend(*hardware_, policies_, *device);
  return error;
}

int Kernel::write_config(pcie::Bdf function, Bytes offset, unsigned size, std::uint32_t value) {
  const PciDevice* device = pci_->find(function);
  if (device == nullptr) return ENODEV;
  device->config.write(static_cast<unsigned>(offset.count()), size, value);
  return 0;
}

int Kernel::create_memory(Bytes size, FileReference<Memfd>& out) {
  if (size == Bytes{0} || size % kPageSize != Bytes{0}) return EINVAL;
  std::unique_ptr<Memfd> file = Memfd::create(*pages_, size);
  if (file == nullptr) return ENOMEM;
  out = FileReference<Memfd>(files_.add(std::move(file)));
  return 0;
}

int Kernel::create_domain(FileReference<IommuDomain>& out) {
  std::unique_ptr<IommuDomain> domain = IommuDomain::create(*pages_, *iommu_);
  if (domain == nullptr) return ENOMEM;
  out = FileReference<IommuDomain>(files_.add(std::move(domain)));
  return 0;
}

Iova Kernel::allocate_iova(Bytes size) {
  HOLDOVER_CHECK(size > Bytes{0});
  const std::uint64_t count = (size.count() + kPageSize.count() - 1) / kPageSize.count();
  while (const std::optional<PhysicalAddress> owned = pages_->allocate(count + 1, PageState::Kernel)) {
    // A range that a handed-over address space uses stays taken, and the next one is tried.
    if (const Iova iova{owned->raw()}; !iommu_->maps(iova, count * kPageSize)) return iova;
  }
  while (iommu_->maps(next_high_iova_, count * kPageSize)) next_high_iova_ += kPageSize;
  const Iova iova = next_high_iova_;
  next_high_iova_ += (count + 1) * kPageSize;
  return iova;
}

void Kernel::wait(Time duration) { hardware_->wait(duration); }

void Kernel::print(std::string_view line) { platform_.console(line); }

VfioContext Kernel::vfio_context() { return VfioContext{*hardware_, *interrupts_, *iommu_, *dma_, policies_}; }

IommuState Kernel::iommu_state() const {
  IommuState state = iommu_->state();
  if (remapping_ != nullptr) state.remapping_table = remapping_->table();
  return state;
}

MemoryFile* Kernel::restore_memory(const MemoryState& state) {
  if (!is_contiguous(state)) return nullptr;
  return &files_.add(std::make_unique<Memfd>(*pages_, state));
}

AddressSpaceFile& Kernel::restore_address_space(const AddressSpaceState& state) {
  IommuDomain& domain = files_.add(std::make_unique<IommuDomain>(*pages_, *iommu_, state.root, state.domain_id));
  iommu_->adopt_domain(domain);
  return domain;
}

DeviceFile* Kernel::restore_device(const DeviceState& state) {
  PciDevice* device = pci_->find(state.path.function);
  if (device == nullptr || device->driver == nullptr || !device->driver->for_user_space() || device->open != nullptr) {
    return nullptr;
  }
  if (!device->probed && device->driver->retrieve(*device) != 0) return nullptr;
  device->probed = true;
  device->driver->restore(*device, state);
  return &files_.add(std::make_unique<VfioDevice>(vfio_context(), *device, state));
}

std::uint64_t Kernel::pci_functions() const {
  std::uint64_t count = 0;
  if (pci_ != nullptr) pci_->for_each([&](const PciDevice&) { ++count; });
  return count;
}

PciPath Kernel::path(pcie::Bdf function) const {
  const PciDevice* device = pci_ == nullptr ? nullptr : pci_->find(function);
  if (device != nullptr) return path_to(*device);
  PciPath alone;
  alone.function = function;
  return alone;
}

Phase Kernel::boot_phase(Phase after_kexec) const { return booted_by_kexec_ ? after_kexec : Phase::Boot; }

}  // namespace holdover::host::kernel
