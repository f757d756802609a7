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

// What an invalidation covers.
constexpr std::uint64_t kContextGlobal = std::uint64_t{1} << 61;
constexpr std::uint64_t kContextDevice = std::uint64_t{3} << 61;
constexpr std::uint64_t kIotlbGlobal = std::uint64_t{1} << 60;
constexpr std::uint64_t kIotlbDomain = std::uint64_t{2} << 60;

constexpr std::uint64_t kTableAddress = 0xffff'ffff'ffff'f000;

// Identifier of requests that pass through; no domain of this kernel has it.
constexpr std::uint64_t kIdentityDomain = 0xffff;

constexpr unsigned kMostPolls = 100'000;

std::uint16_t domain_of(std::uint64_t high) { return static_cast<std::uint16_t>(high >> kContextDomainShift); }
unsigned entry_word(pcie::Bdf function) { return 2u * (function.requester_id() & 0xffu); }

}  // namespace

Iommu::Iommu(pcie::Platform& platform, PageAllocator& pages, BusAddress registers, IommuPart part)
    : unit_(platform, registers), pages_(pages), part_(part) {}

void Iommu::reset() {
  if (translating()) disable_translation();
  const std::optional<PhysicalAddress> root = pages_.allocate(1, PageState::PageTable);
  if (!root) throw Panic("There is no memory for the root table of the IOMMU.");
  root_table_ = *root;
  load_root_table();
  unit_.command(kTranslationEnable, true);
}

void Iommu::adopt(const IncomingIommu& incoming) {
  if (incoming.unit.registers != unit_.base()) {
    throw Panic("IOMMU state was handed over for a remapping unit that this machine does not have.");
  }
  root_table_ = incoming.unit.root_table;
  if (!translating()) {
    // The old kernel switched it off: whatever came in between is lost, but from here on the tables hold again.
    load_root_table();
    unit_.command(kTranslationEnable, true);
  } else if ((unit_.read64(kRootTableAddress) & kTableAddress) != root_table_.raw()) {
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

void Iommu::copy() {
  const PhysicalAddress old_root{unit_.read64(kRootTableAddress) & kTableAddress};
  const auto new_table = [this] {
    const std::optional<PhysicalAddress> page = pages_.allocate(1, PageState::PageTable);
    if (!page) throw Panic("There is no memory to copy the translation tables of the old kernel.");
    return *page;
  };
  const PhysicalAddress root = new_table();
  for (unsigned bus = 0; table_in_dram(old_root) && bus < 256; ++bus) {
    const std::uint64_t entry = read_word(old_root, 2 * bus);
    const PhysicalAddress old_table{entry & kTableAddress};
    if ((entry & kPresent) == 0 || !table_in_dram(old_table)) continue;
    const PhysicalAddress table = new_table();
    for (unsigned word = 0; word < 512; word += 2) {
      if ((read_word(old_table, word) & kPresent) == 0) continue;
      write_word(table, word + 1, read_word(old_table, word + 1));
      write_word(table, word, read_word(old_table, word));
      (void)reserve(domain_of(read_word(old_table, word + 1)));
    }
    write_word(root, 2 * bus, table.raw() | kPresent);
  }
  root_table_ = root;
  load_root_table();
}

IommuState Iommu::state() const {
  IommuState state;
  state.registers = unit_.base();
  state.root_table = root_table_;
  state.structure_pages.push_back(root_table_);
  for (unsigned bus = 0; bus < 256; ++bus) {
    if (const std::optional<PhysicalAddress> table = context_table(bus)) state.structure_pages.push_back(*table);
  }
  return state;
}

bool Iommu::translating() const { return unit_.status(kTranslationEnable); }

int Iommu::attach(pcie::Bdf function, IommuDomain& domain) {
  if (const std::optional<std::uint16_t> current = attached(function)) {
    return *current == domain.identifier() ? 0 : EBUSY;
  }
  if (domain.preserved()) return EBUSY;
  const std::optional<PhysicalAddress> table = context_table_of(function.bus);
  if (!table) return ENOMEM;
  const unsigned word = entry_word(function);
  write_word(*table, word + 1, kContextFourLevels | std::uint64_t{domain.identifier()} << kContextDomainShift);
  write_word(*table, word, domain.root().raw() | kPresent);  // present last: the unit may look at any moment
  return 0;
}

void Iommu::pass_through(pcie::Bdf function) {
  if (attached(function)) clear_entry(function);
  constexpr std::uint64_t kPassThrough = 2 << 2;  // TT = 10b
  const std::optional<PhysicalAddress> table = context_table_of(function.bus);
  if (!table) throw Panic("There is no memory for a context table of the IOMMU.");
  const unsigned word = entry_word(function);
  write_word(*table, word + 1, kContextFourLevels | kIdentityDomain << kContextDomainShift);
  write_word(*table, word, kPassThrough | kPresent);
}

void Iommu::block(pcie::Bdf function) {
  if (attached(function)) clear_entry(function);
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
  const std::uint32_t limit = 1u << (4 + 2 * static_cast<unsigned>(unit_.read64(kCapability) & 7));
  std::uint32_t identifier = 1;
  auto place = domains_.begin();
  while (place != domains_.end() && place->identifier == identifier) {
    ++place;
    ++identifier;
  }
  if (identifier >= std::min(limit, static_cast<std::uint32_t>(kIdentityDomain))) return std::nullopt;
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

int Iommu::mark(const IommuDomain& domain, std::uint64_t token) {
  if (part_ == IommuPart::None) return ENOTTY;
  for (const auto& [marked, taken] : marks_) {
    if (marked == domain.identifier()) return taken == token ? 0 : EBUSY;
    if (taken == token) return EADDRINUSE;
  }
  marks_.emplace(domain.identifier(), token);
  return 0;
}

void Iommu::forget_domain(IommuDomain& domain) {
  for_each_entry([&](pcie::Bdf function, std::uint64_t, std::uint64_t high) {
    if (domain_of(high) == domain.identifier()) clear_entry(function);
  });
  invalidate_domain(domain.identifier());
  marks_.erase(domain.identifier());
  domains_.erase(
      std::remove_if(domains_.begin(), domains_.end(), [&](const Domain& known) { return known.object == &domain; }),
      domains_.end());
}

void Iommu::disable_translation() { unit_.command(kTranslationEnable, false); }

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

void Iommu::load_root_table() {
  unit_.write64(kRootTableAddress, root_table_.raw());
  unit_.command(kSetRootTable, true);
  invalidate_context(kContextGlobal);
  invalidate_iotlb(kIotlbGlobal);
}

void Iommu::invalidate_context(std::uint64_t request) {
  unit_.write64(kContextCommand, kInvalidate | request);
  for (unsigned poll = 0; poll < kMostPolls; ++poll) {
    if ((unit_.read64(kContextCommand) & kInvalidate) == 0) return;
  }
  throw Panic("The IOMMU does not finish an invalidation of its context cache.");
}

void Iommu::invalidate_iotlb(std::uint64_t request) {
  // ECAP.IRO counts 16-byte units; the IOTLB register is the second of its pair.
  const unsigned offset = 16u * static_cast<unsigned>((unit_.read64(kExtendedCapability) >> 8) & 0x3ff) + 8;
  unit_.write64(offset, kInvalidate | request);
  for (unsigned poll = 0; poll < kMostPolls; ++poll) {
    if ((unit_.read64(offset) & kInvalidate) == 0) return;
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

std::optional<PhysicalAddress> Iommu::context_table_of(unsigned bus) {
  std::optional<PhysicalAddress> table = context_table(bus);
  if (table) return table;
  table = pages_.allocate(1, PageState::PageTable);
  if (table) write_word(root_table_, 2 * bus, table->raw() | kPresent);
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
