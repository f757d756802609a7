// SPDX-License-Identifier: MIT
// Driver of one VT-d remapping unit, legacy mode: root and context tables in DRAM, register-based invalidation.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "host/kernel/iommu/vtd_registers.h"
#include "host/kernel/luo/handlers/iommu_live_update.h"
#include "host/kernel/luo/handlers/kernel_objects.h"
#include "host/kernel/mm/page_allocator.h"
#include "host/kernel/profile.h"
#include "pcie/bdf.h"
#include "pcie/platform.h"
#include "pcie/units.h"

namespace holdover::host::kernel {

class IommuDomain;

class Iommu {
 public:
  // `platform` and `pages` outlive it. Touches nothing. `part`: whether domains can be marked for preservation.
  Iommu(pcie::Platform& platform, PageAllocator& pages, BusAddress registers, IommuPart part);

  // A new empty root table; translation that was found on is switched off first, and comes on with the new table.
  // Throws Panic where there is no memory for it.
  void reset();
  // Goes on with tables that stand in DRAM and are PageState::PageTable already: translation is never off, and domain
  // identifiers in use are reserved. Translation that the old kernel switched off comes on again with these tables.
  // Throws Panic where the unit is another one, or translates with another root table.
  void adopt(const IncomingIommu& incoming);

  // As a crash kernel does: copies root and context tables of whoever ran before, so that translation goes on with the
  // page tables that stand in DRAM, whether anybody owns their pages or not. Contract: translating().
  void copy();

  [[nodiscard]] IommuState state() const;
  [[nodiscard]] bool translating() const;

  // Requests of `function` go through `domain` from now on. 0; EBUSY: attached to another domain, or `domain`
  // preserved; ENOMEM. Attached to `domain` already: 0.
  [[nodiscard]] int attach(pcie::Bdf function, IommuDomain& domain);
  // Requests of `function` fault from now on. 0, or EBUSY: its domain is preserved. Not attached: 0.
  [[nodiscard]] int detach(pcie::Bdf function);
  // Requests of `function` reach memory untranslated, or fault, from now on, whatever it was attached to.
  void pass_through(pcie::Bdf function);
  void block(pcie::Bdf function);
  // Identifier of the domain that the context entry names; nothing where none is present.
  [[nodiscard]] std::optional<std::uint16_t> attached(pcie::Bdf function) const;
  // The object of an adopted domain stands: null where nobody restored it.
  [[nodiscard]] IommuDomain* find_domain(std::uint16_t identifier) const;

  // Whether any attached function could reach something at an address of this range.
  [[nodiscard]] bool maps(Iova iova, Bytes size) const;
  void invalidate_domain(std::uint16_t identifier);

  // Called by domains: an identifier for a new one; nothing where all are in use.
  [[nodiscard]] std::optional<std::uint16_t> register_domain(IommuDomain& domain);
  // A restored domain. Where the unit was reset instead of adopted, it is known from here on, and its functions have to
  // be attached again. Throws Panic where its identifier belongs to another domain.
  void adopt_domain(IommuDomain& domain);
  // Marks a domain for preservation under a token of user space; there is no unmark. 0; EADDRINUSE: another domain has
  // the token; EBUSY: marked under another token; ENOTTY: this kernel has no such ioctl.
  [[nodiscard]] int mark(const IommuDomain& domain, std::uint64_t token);
  [[nodiscard]] bool marked(std::uint16_t identifier) const { return marks_.count(identifier) != 0; }
  // Detaches what still goes through it and forgets it.
  void forget_domain(IommuDomain& domain);

  // intel_iommu_shutdown(): translation off.
  void disable_translation();
  // Shutdown with translation left on: context entries of functions for which `keep` is false are cleared. Translation
  // goes off where nothing is kept.
  void retain(const std::function<bool(pcie::Bdf)>& keep);

 private:
  struct Domain {
    std::uint16_t identifier;
    IommuDomain* object;  // null: handed over, not yet restored
  };

  // The record of an identifier, made where there is none.
  std::vector<Domain>::iterator reserve(std::uint16_t identifier);
  void load_root_table();
  void invalidate_context(std::uint64_t request);
  void invalidate_iotlb(std::uint64_t request);

  [[nodiscard]] std::uint64_t read_word(PhysicalAddress table, unsigned word) const;
  void write_word(PhysicalAddress table, unsigned word, std::uint64_t value);
  [[nodiscard]] bool table_in_dram(PhysicalAddress table) const;
  // The context table of a bus; nothing where there is none.
  [[nodiscard]] std::optional<PhysicalAddress> context_table(unsigned bus) const;
  // The same, made where there is none; nothing where memory is short.
  [[nodiscard]] std::optional<PhysicalAddress> context_table_of(unsigned bus);
  void clear_entry(pcie::Bdf function);
  void for_each_entry(const std::function<void(pcie::Bdf, std::uint64_t low, std::uint64_t high)>& visit) const;

  VtdRegisters unit_;
  PageAllocator& pages_;
  IommuPart part_;
  PhysicalAddress root_table_;
  std::vector<Domain> domains_;                   // ascending identifiers
  std::map<std::uint16_t, std::uint64_t> marks_;  // identifier, token
};

}  // namespace holdover::host::kernel
