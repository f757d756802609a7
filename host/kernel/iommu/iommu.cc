// SPDX-License-Identifier: MIT
#include "host/kernel/iommu/iommu.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "host/kernel/iommu/domain.h"
#include "host/kernel/iommu/page_table.h"
#include "host/kernel/panic.h"
#include "pcie/error.h"
#include "pcie/vtd.h"

namespace holdover::host::kernel {
namespace {

using namespace pcie::vtd;

// Global Status bits that are one-shot in Global Command: not to be written back.
constexpr std::uint32_t kPersistentStatus = 0x96ff'ffff;

// What an invalidation covers.
constexpr std::uint64_t kContextGlobal = std::uint64_t{1} << 61;
constexpr std::uint64_t kContextDevice = std::uint64_t{3} << 61;
constexpr std::uint64_t kIotlbGlobal = std::uint64_t{1} << 60;
constexpr std::uint64_t kIotlbDomain = std::uint64_t{2} << 60;

constexpr std::uint64_t kTableAddress = 0xffff'ffff'ffff'f000;

constexpr unsigned kMostPolls = 100'000;

std::uint16_t domain_of(std::uint64_t high) { return static_cast<std::uint16_t>(high >> kContextDomainShift); }
unsigned entry_word(pcie::Bdf function) { return 2u * (function.requester_id() & 0xffu); }

}  // namespace

Iommu::Iommu(pcie::Platform& platform, PageAllocator& pages, BusAddress registers)
    : platform_(platform), pages_(pages), registers_(registers) {}

void Iommu::reset() {
  if (translating()) disable_translation();
  const std::optional<PhysicalAddress> root = pages_.allocate(1, PageState::PageTable);
  if (!root) throw Panic("There is no memory for the root table of the IOMMU.");
  root_table_ = *root;
  load_root_table();
  command(kTranslationEnable, true);
}

void Iommu::adopt(const IncomingIommu& incoming) {
  if (incoming.unit.registers != registers_) {
    throw Panic("IOMMU state was handed over for a remapping unit that this machine does not have.");
  }
  root_table_ = incoming.unit.root_table;
  if (!translating()) {
    // The old kernel switched it off: whatever came in between is lost, but from here on the tables hold again.
    load_root_table();
    command(kTranslationEnable, true);
  } else if ((read64(kRootTableAddress) & kTableAddress) != root_table_.raw()) {
    throw Panic("The IOMMU translates with another root table than the one that was handed over.");
  } else {
    // As every driver of this unit does when it takes it over: from here on the tables in DRAM count, not what is
    // cached of them.
    invalidate_context(kContextGlobal);
    invalidate_iotlb(kIotlbGlobal);
  }
  for (const AddressSpaceState& domain : incoming.domains) (void)reserve(domain.domain_id);
  for (const auto& [function, identifier] : incoming.attachments) (void)reserve(identifier);
}

IommuState Iommu::state() const {
  IommuState state{registers_, root_table_, {root_table_}};
  for (unsigned bus = 0; bus < 256; ++bus) {
    if (const std::optional<PhysicalAddress> table = context_table(bus)) state.structure_pages.push_back(*table);
  }
  return state;
}

bool Iommu::translating() const { return (read32(kGlobalStatus) & kTranslationEnable) != 0; }

int Iommu::attach(pcie::Bdf function, IommuDomain& domain) {
  if (const std::optional<std::uint16_t> current = attached(function)) {
    return *current == domain.identifier() ? 0 : EBUSY;
  }
  if (domain.preserved()) return EBUSY;
  std::optional<PhysicalAddress> table = context_table(function.bus);
  if (!table) {
    table = pages_.allocate(1, PageState::PageTable);
    if (!table) return ENOMEM;
    write_word(root_table_, 2u * function.bus, table->raw() | kPresent);
  }
  const unsigned word = entry_word(function);
  write_word(*table, word + 1, kContextFourLevels | std::uint64_t{domain.identifier()} << kContextDomainShift);
  write_word(*table, word, domain.root().raw() | kPresent);  // present last: the unit may look at any moment
  return 0;
}

int Iommu::detach(pcie::Bdf function) {
  const std::optional<std::uint16_t> identifier = attached(function);
  if (!identifier) return 0;
  const IommuDomain* domain = find_domain(*identifier);
  if (domain != nullptr && domain->preserved()) return EBUSY;
  clear_entry(function);
  return 0;
}

std::optional<std::uint16_t> Iommu::attached(pcie::Bdf function) const {
  const std::optional<PhysicalAddress> table = context_table(function.bus);
  if (!table || (read_word(*table, entry_word(function)) & kPresent) == 0) return std::nullopt;
  return domain_of(read_word(*table, entry_word(function) + 1));
}

IommuDomain* Iommu::find_domain(std::uint16_t identifier) const {
  for (const Domain& domain : domains_) {
    if (domain.identifier == identifier) return domain.object;
  }
  return nullptr;
}

bool Iommu::maps(Iova iova, Bytes size) const {
  bool mapped = false;
  for_each_entry([&](pcie::Bdf, std::uint64_t low, std::uint64_t) {
    const PhysicalAddress root{low & kTableAddress};
    if (!table_in_dram(root)) return;
    for (Bytes at{0}; at < size && !mapped; at += kPageSize) {
      mapped = second_level::present(second_level::leaf_entry(pages_.dram(), root, iova + at));
    }
  });
  return mapped;
}

void Iommu::invalidate_domain(std::uint16_t identifier) {
  invalidate_iotlb(kIotlbDomain | std::uint64_t{identifier} << 32);
}

std::optional<std::uint16_t> Iommu::register_domain(IommuDomain& domain) {
  const std::uint32_t limit = 1u << (4 + 2 * static_cast<unsigned>(read64(kCapability) & 7));
  std::uint32_t identifier = 1;
  auto place = domains_.begin();
  while (place != domains_.end() && place->identifier == identifier) {
    ++place;
    ++identifier;
  }
  if (identifier >= std::min(limit, 0x1'0000u)) return std::nullopt;
  domains_.insert(place, Domain{static_cast<std::uint16_t>(identifier), &domain});
  return static_cast<std::uint16_t>(identifier);
}

std::vector<Iommu::Domain>::iterator Iommu::reserve(std::uint16_t identifier) {
  const auto place = std::lower_bound(domains_.begin(), domains_.end(), identifier,
                                      [](const Domain& domain, std::uint16_t id) { return domain.identifier < id; });
  if (place != domains_.end() && place->identifier == identifier) return place;
  return domains_.insert(place, Domain{identifier, nullptr});
}

void Iommu::adopt_domain(IommuDomain& domain) {
  Domain& known = *reserve(domain.identifier());
  if (known.object != nullptr) throw Panic("An address space was handed over whose domain identifier is in use.");
  known.object = &domain;
}

void Iommu::forget_domain(IommuDomain& domain) {
  for_each_entry([&](pcie::Bdf function, std::uint64_t, std::uint64_t high) {
    if (domain_of(high) == domain.identifier()) clear_entry(function);
  });
  invalidate_domain(domain.identifier());
  domains_.erase(
      std::remove_if(domains_.begin(), domains_.end(), [&](const Domain& known) { return known.object == &domain; }),
      domains_.end());
}

void Iommu::disable_translation() { command(kTranslationEnable, false); }

void Iommu::retain(const std::function<bool(pcie::Bdf)>& keep) {
  bool kept = false;
  for_each_entry([&](pcie::Bdf function, std::uint64_t, std::uint64_t) {
    if (keep(function)) {
      kept = true;
    } else {
      clear_entry(function);
    }
  });
  if (!kept) disable_translation();
}

std::uint32_t Iommu::read32(unsigned offset) const {
  return static_cast<std::uint32_t>(platform_.mmio_read(registers_ + Bytes{offset}, 4));
}
void Iommu::write32(unsigned offset, std::uint32_t value) const {
  platform_.mmio_write(registers_ + Bytes{offset}, 4, value);
}
std::uint64_t Iommu::read64(unsigned offset) const { return platform_.mmio_read(registers_ + Bytes{offset}, 8); }
void Iommu::write64(unsigned offset, std::uint64_t value) const {
  platform_.mmio_write(registers_ + Bytes{offset}, 8, value);
}

void Iommu::command(std::uint32_t bit, bool set) {
  const std::uint32_t status = read32(kGlobalStatus) & kPersistentStatus;
  write32(kGlobalCommand, set ? status | bit : status & ~bit);
  for (unsigned poll = 0; poll < kMostPolls; ++poll) {
    if (((read32(kGlobalStatus) & bit) != 0) == set) return;
  }
  throw Panic("The IOMMU does not carry out a global command.");
}

void Iommu::load_root_table() {
  write64(kRootTableAddress, root_table_.raw());
  command(kSetRootTable, true);
  invalidate_context(kContextGlobal);
  invalidate_iotlb(kIotlbGlobal);
}

void Iommu::invalidate_context(std::uint64_t request) {
  write64(kContextCommand, kInvalidate | request);
  for (unsigned poll = 0; poll < kMostPolls; ++poll) {
    if ((read64(kContextCommand) & kInvalidate) == 0) return;
  }
  throw Panic("The IOMMU does not finish an invalidation of its context cache.");
}

void Iommu::invalidate_iotlb(std::uint64_t request) {
  // ECAP.IRO counts 16-byte units; the IOTLB register is the second of its pair.
  const unsigned offset = 16u * static_cast<unsigned>((read64(kExtendedCapability) >> 8) & 0x3ff) + 8;
  write64(offset, kInvalidate | request);
  for (unsigned poll = 0; poll < kMostPolls; ++poll) {
    if ((read64(offset) & kInvalidate) == 0) return;
  }
  throw Panic("The IOMMU does not finish an invalidation of its IOTLB.");
}

std::uint64_t Iommu::read_word(PhysicalAddress table, unsigned word) const {
  std::uint64_t value = 0;
  std::memcpy(&value, pages_.bytes(table + Bytes{8} * word, Bytes{8}).data(), sizeof value);
  return value;
}

void Iommu::write_word(PhysicalAddress table, unsigned word, std::uint64_t value) {
  std::memcpy(pages_.bytes(table + Bytes{8} * word, Bytes{8}).data(), &value, sizeof value);
}

bool Iommu::table_in_dram(PhysicalAddress table) const {
  return table.raw() != 0 && table.raw() < pages_.dram().size();
}

std::optional<PhysicalAddress> Iommu::context_table(unsigned bus) const {
  if (root_table_.raw() == 0) return std::nullopt;
  const std::uint64_t entry = read_word(root_table_, 2 * bus);
  const PhysicalAddress table{entry & kTableAddress};
  if ((entry & kPresent) == 0 || !table_in_dram(table)) return std::nullopt;
  return table;
}

void Iommu::clear_entry(pcie::Bdf function) {
  const std::optional<PhysicalAddress> table = context_table(function.bus);
  HOLDOVER_CHECK(table.has_value());
  const unsigned word = entry_word(function);
  const std::uint16_t identifier = domain_of(read_word(*table, word + 1));
  write_word(*table, word, 0);
  write_word(*table, word + 1, 0);
  invalidate_context(kContextDevice | std::uint64_t{function.requester_id()} << 16 | identifier);
  invalidate_domain(identifier);
}

void Iommu::for_each_entry(const std::function<void(pcie::Bdf, std::uint64_t low, std::uint64_t high)>& visit) const {
  for (unsigned bus = 0; bus < 256; ++bus) {
    const std::optional<PhysicalAddress> table = context_table(bus);
    if (!table) continue;
    for (unsigned devfn = 0; devfn < 256; ++devfn) {
      const std::uint64_t low = read_word(*table, 2 * devfn);
      if ((low & kPresent) == 0) continue;
      visit(pcie::Bdf::from_requester_id(static_cast<pcie::RequesterId>(bus << 8 | devfn)), low,
            read_word(*table, 2 * devfn + 1));
    }
  }
}

}  // namespace holdover::host::kernel
