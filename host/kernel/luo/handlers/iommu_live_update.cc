// SPDX-License-Identifier: MIT
#include "host/kernel/luo/handlers/iommu_live_update.h"

#include <algorithm>
#include <cerrno>
#include <string>

#include "host/kernel/kho/dram_value.h"
#include "host/kernel/luo/handlers/iommu_abi.h"
#include "host/kernel/luo/luo.h"
#include "host/kernel/panic.h"

namespace holdover::host::kernel {
namespace {

using iommu_abi::DeviceSer;
using iommu_abi::DomainSer;
using iommu_abi::IommuSer;

constexpr Bytes kIommuSerSize{sizeof(IommuSer)};
constexpr std::uint16_t kLevels = 4;

// Index of the first entry whose flag is 0, the size of the set where all are in use.
template <typename Entry, typename InUse>
std::uint64_t find_slot(const BlockSet& set, InUse in_use) {
  std::uint64_t slot = 0;
  while (slot < set.size() && in_use(load<Entry>(set.entry(slot), 0))) ++slot;
  return slot;
}

}  // namespace

IommuLiveUpdate::IommuLiveUpdate(Kho& kho, Luo& luo, KernelObjects& objects, const Policies& policies)
    : kho_(kho), luo_(luo), objects_(objects), policies_(policies) {}

std::string_view IommuLiveUpdate::compatible() const { return iommu_abi::kCompatible; }

// ---- Outgoing ----

int IommuLiveUpdate::preserve(std::uint64_t& data) {
  if (const int error = kho_.alloc_preserve(kIommuSerSize, header_); error != 0) return error;
  unit_set_.emplace(kho_, sizeof(std::uint64_t));
  domain_set_.emplace(kho_, sizeof(DomainSer));
  device_set_.emplace(kho_, sizeof(DeviceSer));
  if (const int error = record_unit(); error != 0) {
    release_unit();
    return error;
  }
  write_header();
  data = header_.raw();
  return 0;
}

void IommuLiveUpdate::unpreserve(std::uint64_t) {
  for (auto& [identifier, domain] : domains_) release_domain(domain);
  domains_.clear();
  devices_.clear();
  release_unit();
}

void IommuLiveUpdate::release_unit() {
  for (const PhysicalAddress page : unit_pages_) kho_.unpreserve_folio(page, 0);
  unit_pages_.clear();
  unit_set_->release();
  domain_set_->release();
  device_set_->release();
  kho_.unpreserve_free(header_, kIommuSerSize);
  header_ = PhysicalAddress{0};
}

int IommuLiveUpdate::record_unit() {
  const IommuState unit = objects_.iommu_state();
  std::vector<PhysicalAddress> pages = unit.structure_pages;
  if (unit.remapping_table.raw() != 0 && policies_.remapping_at_boot == RemappingAtBoot::Adopt) {
    pages.push_back(unit.remapping_table);
  }
  for (const PhysicalAddress page : pages) {
    if (std::find(unit_pages_.begin(), unit_pages_.end(), page) != unit_pages_.end()) continue;
    if (const int error = unit_set_->resize(unit_pages_.size() + 1); error != 0) return error;
    if (const int error = kho_.preserve_folio(page, 0); error != 0) {
      unit_set_->shrink(unit_pages_.size());
      return error;
    }
    store(unit_set_->entry(unit_pages_.size()), 0, page.raw());
    unit_pages_.push_back(page);
  }
  return 0;
}

void IommuLiveUpdate::write_header() {
  const IommuState unit = objects_.iommu_state();
  IommuSer header{};
  header.version = iommu_abi::kVersion;
  header.registers = unit.registers.raw();
  header.root_table = unit.root_table.raw();
  header.structure_pages = unit_set_->first().raw();
  header.domains = domain_set_->first().raw();
  header.devices = device_set_->first().raw();
  const auto recorded = std::find(unit_pages_.begin(), unit_pages_.end(), unit.remapping_table);
  header.remapping_table = recorded == unit_pages_.end() ? 0 : unit.remapping_table.raw();
  store(kho_.pages().dram(), header_.raw(), header);
}

int IommuLiveUpdate::freeze() {
  if (header_.raw() == 0) return 0;
  const int error = record_unit();
  write_header();
  return error;
}

int IommuLiveUpdate::preserve_domain(const AddressSpaceState& state) {
  if (header_.raw() == 0) return ENOENT;
  if (domains_.count(state.domain_id) != 0) return EADDRINUSE;
  Domain domain{0, {}, BlockSet(kho_, sizeof(std::uint64_t))};
  std::vector<PhysicalAddress> tables = state.table_pages;
  // Mistake H013: the walk misses the last page, which is a leaf table: that of the highest IOVA.
  if (policies_.mistakes.page_table_not_preserved && tables.size() > 1) tables.pop_back();
  int error = domain.table_pages.resize(tables.size());
  for (std::size_t index = 0; error == 0 && index < tables.size(); ++index) {
    store(domain.table_pages.entry(index), 0, tables[index].raw());
    error = kho_.preserve_folio(tables[index], 0);
    if (error == 0) domain.preserved.push_back(tables[index]);
  }
  if (error == 0) {
    domain.slot = find_slot<DomainSer>(*domain_set_, [](const DomainSer& entry) { return entry.in_use != 0; });
    if (domain.slot == domain_set_->size()) error = domain_set_->resize(domain.slot + 1);
  }
  if (error != 0) {
    release_domain(domain);
    return error;
  }
  store(domain_set_->entry(domain.slot), 0,
        DomainSer{1, state.domain_id, kLevels, state.root.raw(), domain.table_pages.first().raw()});
  domains_.emplace(state.domain_id, std::move(domain));
  write_header();
  return 0;
}

void IommuLiveUpdate::release_domain(Domain& domain) {
  for (const PhysicalAddress page : domain.preserved) kho_.unpreserve_folio(page, 0);
  domain.table_pages.release();
}

void IommuLiveUpdate::unpreserve_domain(std::uint16_t domain_id) {
  const auto found = domains_.find(domain_id);
  if (found == domains_.end()) return;
  store(domain_set_->entry(found->second.slot), 0, DomainSer{});
  release_domain(found->second);
  domains_.erase(found);
}

int IommuLiveUpdate::preserve_device(const DeviceState& state) {
  if (!state.attached) return EOPNOTSUPP;
  if (!state.dma_owner) return EINVAL;
  if (domains_.count(state.domain_id) == 0) return EINVAL;
  const pcie::Bdf function = state.path.function;
  if (devices_.count(function) != 0) return EBUSY;
  const auto slot = find_slot<DeviceSer>(*device_set_, [](const DeviceSer& entry) { return entry.domain_id != 0; });
  if (slot == device_set_->size()) {
    if (const int error = device_set_->resize(slot + 1); error != 0) return error;
  }
  store(device_set_->entry(slot), 0, DeviceSer{function.segment, function.requester_id(), state.domain_id});
  devices_.emplace(function, slot);
  write_header();
  return 0;
}

void IommuLiveUpdate::unpreserve_device(pcie::Bdf function) {
  const auto found = devices_.find(function);
  if (found == devices_.end()) return;
  store(device_set_->entry(found->second), 0, DeviceSer{});
  devices_.erase(found);
}

// ---- Incoming ----

const IncomingIommu* IommuLiveUpdate::incoming() {
  if (policies_.iommu_part == IommuPart::None) return nullptr;
  if (!incoming_ && luo_.get_incoming(*this) == 0) luo_.put_incoming(*this);
  return incoming_ ? &*incoming_ : nullptr;
}

BlockSet IommuLiveUpdate::take_over(std::uint64_t first, std::size_t entry_bytes, const char* what) {
  auto set = BlockSet::restore(kho_, PhysicalAddress{first}, entry_bytes);
  if (!set) throw Panic(std::string("IOMMU: the handed-over ") + what + " are broken or were not preserved");
  incoming_sets_.push_back(*set);
  return *set;
}

std::vector<PhysicalAddress> IommuLiveUpdate::take_over_tables(std::uint64_t first) {
  const BlockSet set = take_over(first, sizeof(std::uint64_t), "page lists");
  std::vector<PhysicalAddress> pages;
  for (std::uint64_t index = 0; index < set.size(); ++index) {
    const PhysicalAddress page{load<std::uint64_t>(set.entry(index), 0)};
    if (!kho_.can_restore(page, kPageSize) || kho_.restore_folio(page, PageState::PageTable) != 0u) {
      throw Panic("IOMMU: a handed-over table page was not preserved");
    }
    pages.push_back(page);
  }
  return pages;
}

int IommuLiveUpdate::retrieve(std::uint64_t data) {
  const PhysicalAddress where{data};
  if (!in_dram(kho_.pages().dram(), where, sizeof(IommuSer)) || !kho_.can_restore(where, kIommuSerSize)) {
    throw Panic("IOMMU: the handed-over state was not preserved");
  }
  const auto header = load<IommuSer>(kho_.pages().dram(), data);
  if (header.version != iommu_abi::kVersion) throw Panic("IOMMU: the handed-over state has another version");
  if (kho_.restore_folio(where, PageState::Kernel) != 0u) throw Panic("IOMMU: the handed-over state has a wrong size");

  IncomingIommu incoming;
  incoming.unit.registers = BusAddress{header.registers};
  incoming.unit.root_table = PhysicalAddress{header.root_table};
  incoming.unit.structure_pages = take_over_tables(header.structure_pages);
  if (incoming.unit.structure_pages.empty() || incoming.unit.structure_pages.front() != incoming.unit.root_table) {
    throw Panic("IOMMU: the handed-over unit has no root table");
  }
  incoming.unit.remapping_table = PhysicalAddress{header.remapping_table};
  const auto& pages = incoming.unit.structure_pages;
  if (header.remapping_table != 0 &&
      std::find(pages.begin() + 1, pages.end(), incoming.unit.remapping_table) == pages.end()) {
    throw Panic("IOMMU: the handed-over interrupt remapping table was not preserved");
  }
  const BlockSet domains = take_over(header.domains, sizeof(DomainSer), "domains");
  for (std::uint64_t slot = 0; slot < domains.size(); ++slot) {
    const auto entry = load<DomainSer>(domains.entry(slot), 0);
    if (entry.in_use == 0) continue;
    AddressSpaceState domain{entry.domain_id, PhysicalAddress{entry.root}, take_over_tables(entry.table_pages)};
    const auto same = [&](const AddressSpaceState& other) { return other.domain_id == domain.domain_id; };
    if (entry.levels != kLevels || domain.domain_id == 0 || domain.table_pages.empty() ||
        domain.table_pages.front() != domain.root ||
        std::any_of(incoming.domains.begin(), incoming.domains.end(), same)) {
      throw Panic("IOMMU: a handed-over domain is broken");
    }
    incoming.domains.push_back(std::move(domain));
  }
  const BlockSet devices = take_over(header.devices, sizeof(DeviceSer), "attachments");
  for (std::uint64_t slot = 0; slot < devices.size(); ++slot) {
    const auto entry = load<DeviceSer>(devices.entry(slot), 0);
    if (entry.domain_id == 0) continue;
    incoming.attachments.emplace_back(
        pcie::Bdf::from_requester_id(entry.bdf, static_cast<std::uint16_t>(entry.segment)), entry.domain_id);
  }
  incoming_ = std::move(incoming);
  return 0;
}

void IommuLiveUpdate::finish(std::uint64_t data) {
  for (BlockSet& set : incoming_sets_) set.release();
  incoming_sets_.clear();
  incoming_.reset();
  kho_.pages().free(PhysicalAddress{data}, 1);
}

}  // namespace holdover::host::kernel
