// SPDX-License-Identifier: MIT
#include "host/kernel/iommu/domain.h"

#include <cerrno>

#include "host/kernel/iommu/iommu.h"
#include "pcie/error.h"

namespace holdover::host::kernel {
namespace {

bool valid_range(Iova iova, Bytes size) {
  constexpr std::uint64_t kLimit = std::uint64_t{1} << second_level::kAddressBits;
  return size > Bytes{0} && iova.raw() % kPageSize.count() == 0 && size % kPageSize == Bytes{0} &&
         iova.raw() < kLimit && size.count() <= kLimit - iova.raw();
}

}  // namespace

std::unique_ptr<IommuDomain> IommuDomain::create(PageAllocator& pages, Iommu& iommu) {
  const std::optional<PhysicalAddress> root = pages.allocate(1, PageState::PageTable);
  if (!root) return nullptr;
  auto domain = std::make_unique<IommuDomain>(pages, iommu, *root, std::uint16_t{0});
  const std::optional<std::uint16_t> identifier = iommu.register_domain(*domain);
  if (!identifier) {
    pages.free(*root, 1);
    return nullptr;
  }
  domain->identifier_ = *identifier;
  return domain;
}

int IommuDomain::map(Iova iova, PhysicalAddress physical, Bytes size, bool device_writes) {
  const std::span<const std::byte> dram = pages_.dram();
  if (!valid_range(iova, size) || physical.raw() % kPageSize.count() != 0) return EINVAL;
  if (physical.raw() >= dram.size() || size.count() > dram.size() - physical.raw()) return EINVAL;
  if (preserved_) return EBUSY;
  for (Bytes at{0}; at < size; at += kPageSize) {
    if (second_level::present(second_level::leaf_entry(dram, root_, iova + at))) return EEXIST;
  }
  for (Bytes at{0}; at < size; at += kPageSize) {
    const std::optional<PhysicalAddress> table = leaf_table(iova + at);
    if (!table) {
      if (at > Bytes{0}) clear(iova, at);
      return ENOMEM;
    }
    const std::uint64_t rights = second_level::kRead | (device_writes ? second_level::kWrite : 0);
    second_level::write_entry(pages_.dram(), *table, second_level::index(iova + at, 1), (physical + at).raw() | rights);
  }
  // Entries that were not present are not cached (CAP.CM is 0): no invalidation.
  return 0;
}

int IommuDomain::unmap(Iova iova, Bytes size) {
  if (!valid_range(iova, size)) return EINVAL;
  if (preserved_) return EBUSY;
  clear(iova, size);
  return 0;
}

std::optional<PhysicalAddress> IommuDomain::translate(Iova iova) const {
  const std::uint64_t entry = second_level::leaf_entry(pages_.dram(), root_, iova);
  if (!second_level::present(entry)) return std::nullopt;
  return PhysicalAddress{(entry & second_level::kAddressMask) | (iova.raw() % kPageSize.count())};
}

int IommuDomain::mark(std::uint64_t token) { return preserved_ ? EBUSY : iommu_.mark(*this, token); }

AddressSpaceState IommuDomain::state() const {
  return AddressSpaceState{identifier_, root_, second_level::tables(pages_.dram(), root_), iommu_.marked(identifier_)};
}

void IommuDomain::release() {
  iommu_.forget_domain(*this);
  for (const PhysicalAddress table : second_level::tables(pages_.dram(), root_)) {
    // A table that the old kernel forgot to preserve was never ours.
    if (pages_.state(table) == PageState::PageTable) pages_.free(table, 1);
  }
}

std::optional<PhysicalAddress> IommuDomain::leaf_table(Iova iova) {
  PhysicalAddress table = root_;
  for (unsigned level = second_level::kLevels; level > 1; --level) {
    const unsigned index = second_level::index(iova, level);
    std::optional<PhysicalAddress> next = second_level::next_table(pages_.dram(), table, index);
    if (!next) {
      next = pages_.allocate(1, PageState::PageTable);
      if (!next) return std::nullopt;
      second_level::write_entry(pages_.dram(), table, index, next->raw() | second_level::kRead | second_level::kWrite);
    }
    table = *next;
  }
  return table;
}

void IommuDomain::clear(Iova iova, Bytes size) {
  for (Bytes at{0}; at < size; at += kPageSize) {
    const std::uint64_t entry = second_level::leaf_entry(pages_.dram(), root_, iova + at);
    if (!second_level::present(entry)) continue;
    const std::optional<PhysicalAddress> table = leaf_table(iova + at);
    HOLDOVER_CHECK(table.has_value());
    second_level::write_entry(pages_.dram(), *table, second_level::index(iova + at, 1), 0);
  }
  iommu_.invalidate_domain(identifier_);
}

}  // namespace holdover::host::kernel
