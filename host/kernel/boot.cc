// SPDX-License-Identifier: MIT
// The way of a kernel from its entry point to user space.
#include <algorithm>
#include <charconv>

#include "host/kernel/kernel.h"
#include "host/kernel/pci/acs.h"
#include "host/kernel/pci/function_reset.h"
#include "host/kernel/pci/resources.h"
#include "host/kernel/pci/setup_device.h"
#include "pcie/command_line.h"
#include "pcie/error.h"

namespace holdover::host::kernel {
namespace {

using pcie::Phase;
using pcie::Step;

constexpr std::uint64_t kPage = kPageSize.count();
// At least this much scratch; it has to hold the next kernel's boot parameters and page map.
constexpr std::uint64_t kLeastScratchPages = 256;
// Beside its page map, for tables of the IOMMU.
constexpr std::uint64_t kLeastCrashPages = 64;

std::uint64_t map_pages(std::uint64_t dram_bytes) { return (dram_bytes / kPage + kPage - 1) / kPage; }

}  // namespace

void Kernel::boot() {
  HOLDOVER_CHECK(pages_ == nullptr);
  platform_.mark(boot_phase(Phase::EarlyBoot), Step::Begin, 0);
  set_up_memory();
  set_up_live_update();
  interrupts_ = std::make_unique<Interrupts>(platform_, BusAddress{parameters_.interrupt_controller_base},
                                             BusAddress{parameters_.msi_base});
  interrupts_->enable();
  hardware_ = std::make_unique<InterruptiblePlatform>(platform_, *interrupts_);
  set_up_iommu();
  if (booted_by_kexec_) platform_.mark(Phase::Enumerate, Step::Begin, 0);
  scan();
  if (booted_by_kexec_) platform_.mark(Phase::Bind, Step::Begin, 0);
  bind_drivers();
}

void Kernel::set_up_memory() {
  const std::span<std::byte> dram = platform_.dram().first(parameters_.dram_bytes);
  const std::uint64_t count = map_pages(parameters_.dram_bytes);
  if (is_crash_kernel()) {
    const std::uint64_t end = parameters_.crash_region + parameters_.crash_region_bytes;
    const PhysicalAddress map{end - count * kPage};
    pages_ = std::make_unique<PageAllocator>(dram, map);
    pages_->reserve(PhysicalAddress{0}, parameters_.crash_region / kPage, PageState::Reserved);
    pages_->reserve(PhysicalAddress{end}, (dram.size() - end) / kPage, PageState::Reserved);
  } else if (booted_by_kexec_) {
    // Nothing but scratch is known to be unused before the handover has been read.
    if (parameters_.kho_scratch_bytes < (count + 2) * kPage) {
      throw Error(ErrorCode::Corrupt, "The boot-parameter page names a scratch region that is too small to boot from.");
    }
    const std::uint64_t end = parameters_.kho_scratch + parameters_.kho_scratch_bytes;
    const PhysicalAddress map{end - count * kPage};
    pages_ = std::make_unique<PageAllocator>(dram, map);
    pages_->reserve(PhysicalAddress{parameters_.kho_scratch}, (map.raw() - parameters_.kho_scratch) / kPage,
                    PageState::Scratch);
  } else {
    pages_ = std::make_unique<PageAllocator>(dram, parameters_address_ + kPageSize);
  }
  pages_->reserve(PhysicalAddress{0}, 1, PageState::Reserved);
  pages_->reserve(parameters_address_, 1, PageState::Reserved);
  if (!booted_by_kexec_) {
    const std::uint64_t scratch_pages = std::max(kLeastScratchPages, 2 * count + 16);
    const std::optional<PhysicalAddress> scratch = pages_->allocate(scratch_pages, PageState::Kernel);
    if (!scratch) throw Error(ErrorCode::Unavailable, "DRAM is too small for a scratch region; give the machine more.");
    pages_->reserve(*scratch, scratch_pages, PageState::Scratch);
    parameters_.kho_scratch = scratch->raw();
    parameters_.kho_scratch_bytes = scratch_pages * kPage;
  }
  reserve_crash_region();
  parameters_.page_map = pages_->map().raw();
  write_boot_parameters(dram, parameters_address_, parameters_);
}

// crashkernel=: pages for the kernel that is entered by a panic. A crash kernel has none of its own.
void Kernel::reserve_crash_region() {
  const std::string text = command_line_value(command_line(parameters_), "crashkernel");
  if (text.empty() || is_crash_kernel()) return;
  std::uint64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{} || end != text.data() + text.size() ||
      count < map_pages(parameters_.dram_bytes) + kLeastCrashPages) {
    throw Error(ErrorCode::InvalidArgument,
                "crashkernel=" + text + " is no number of pages that a kernel can boot in.");
  }
  const std::optional<PhysicalAddress> region = pages_->allocate(count, PageState::Reserved);
  if (!region) throw Error(ErrorCode::Unavailable, "DRAM has no room for crashkernel=" + text + " pages.");
  crash_region_ = *region;
  crash_region_pages_ = count;
}

void Kernel::set_up_live_update() {
  const auto mark = [this](Step step, std::uint64_t value) {
    platform_.mark(step == Step::FunctionFinished ? Phase::Finish : Phase::Preserve, step, value);
  };
  auto& objects = static_cast<KernelObjects&>(*this);
  live_update_ = std::make_unique<LiveUpdateCore>(*pages_, parameters_, policies_, objects, mark,
                                                  [this](std::string_view line) { print(line); });
  luo_ioctl_ = std::make_unique<LuoIoctl>(live_update_->luo(), files_, descriptors_);
}

void Kernel::set_up_iommu() {
  iommu_ = std::make_unique<Iommu>(*hardware_, *pages_, BusAddress{parameters_.iommu_base}, policies_.iommu_part);
  dma_ = std::make_unique<DmaOwnership>(*iommu_, *pages_, policies_, files_);
  const IncomingIommu* incoming =
      policies_.iommu_at_boot == IommuAtBoot::Adopt ? live_update_->iommu().incoming() : nullptr;
  if (incoming != nullptr) {
    iommu_->adopt(*incoming);
  } else if ((policies_.iommu_at_boot == IommuAtBoot::Copy || is_crash_kernel()) && iommu_->translating()) {
    iommu_->copy();
  } else {
    iommu_->reset();
  }
  if (policies_.interrupt_remapping == InterruptRemappingUse::On) set_up_interrupt_remapping();
}

void Kernel::set_up_interrupt_remapping() {
  remapping_ = std::make_unique<InterruptRemapping>(*hardware_, *pages_, BusAddress{parameters_.iommu_base});
  const IncomingIommu* incoming =
      policies_.remapping_at_boot == RemappingAtBoot::Adopt ? live_update_->iommu().incoming() : nullptr;
  if (is_crash_kernel() && remapping_->enabled()) {
    remapping_->copy();
  } else if (incoming != nullptr && incoming->unit.remapping_table.raw() != 0) {
    remapping_->adopt(incoming->unit.remapping_table);
  } else {
    remapping_->reset();
  }
  interrupts_->use(*remapping_);
}

void Kernel::scan() {
  pci_ = std::make_unique<PciBus>(*hardware_, policies_, &live_update_->pci(), parameters_.last_bus,
                                  boot_phase(Phase::Enumerate));
  pci_->scan();
  assign_resources(*pci_,
                   HostWindows{AddressRange(BusAddress{parameters_.window32_base}, Bytes{parameters_.window32_bytes}),
                               AddressRange(BusAddress{parameters_.window64_base}, Bytes{parameters_.window64_bytes})});
}

void Kernel::bind_driver(PciDevice& device, bool incoming) {
  PciDriver* const driver = incoming ? &drivers_->incoming(policies_.driver) : drivers_->find(device);
  if (driver == nullptr) return;
  const std::string who = "pci " + device.bdf.to_string() + ": ";
  if (incoming && !may_bind(policies_.binding_contract, *driver, live_update_->bindings().incoming(device.bdf))) {
    print(who + "the driver " + std::string(driver->name()) +
          " is refused: it is not what the function was handed over with");
    return;
  }
  device.driver = driver;
  device.power_known = true;
  if (incoming && policies_.entry_model == EntryModel::Retrieve) return;
  if (const int error = driver->probe(device); error != 0) {
    print(who + "probe of " + std::string(driver->name()) + " failed with error " + std::to_string(error));
    device.driver = nullptr;
    return;
  }
  device.probed = true;
}

void Kernel::bind_drivers() {
  const auto match = [this](PciDevice& device) {
    if (policies_.acs_control == AcsControl::Match) enable_acs(device, policies_);
  };
  drivers_ = std::make_unique<DriverRegistry>(DriverContext{*hardware_, policies_});
  const IncomingIommu* incoming_iommu =
      policies_.iommu_at_boot == IommuAtBoot::Adopt ? live_update_->iommu().incoming() : nullptr;
  const auto restored = [&](pcie::Bdf function) {
    return incoming_iommu != nullptr &&
           std::any_of(incoming_iommu->attachments.begin(), incoming_iommu->attachments.end(),
                       [&](const auto& attachment) { return attachment.first == function; });
  };
  // iommu_probe_device() asks for a device's configuration as a match does.
  pci_->for_each([&](PciDevice& device) {
    match(device);
    if (!device.bridge) dma_->probe(device.bdf, restored(device.bdf));
  });
  pci_->for_each([&](PciDevice& device) {
    if (!device.express_port()) return;
    match(device);
    ports_.push_back(std::make_unique<PortDriver>(*hardware_, *interrupts_, policies_, device));
    device.port_driver = ports_.back().get();
    device.port_driver->probe();
  });
  if (policies_.endpoint_driver == EndpointDriver::None) return;
  pci_->for_each([&](PciDevice& device) {
    if (device.bridge) return;
    match(device);
    const bool incoming = pci_->incoming(device);
    if (incoming && policies_.mistakes.function_reset) (void)reset_function(*hardware_, policies_, device);
    bind_driver(device, incoming);
  });
}

}  // namespace holdover::host::kernel
