// SPDX-License-Identifier: MIT
// The two tables of the PCI core's part in a live update, in any layout: the one that this kernel writes for the next,
// and the one that it was given. They have nothing to do with each other.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/kernel/kho/block_set.h"
#include "host/kernel/kho/kho.h"
#include "host/kernel/pci/live_update_rules.h"
#include "host/kernel/pci/liveupdate_abi.h"
#include "pcie/bdf.h"

namespace holdover::host::kernel {

class PciOutgoingTable {
 public:
  // `kho` outlives it. Nothing is allocated before create(). The pages stay when the table is destroyed.
  PciOutgoingTable(Kho& kho, const PciLiveUpdateRules& rules);

  // `room` functions where the layout is an array. The errors of Kho::alloc_preserve.
  [[nodiscard]] int create(std::uint64_t room);
  [[nodiscard]] PhysicalAddress address() const { return address_; }

  // A new entry with count 1. E2BIG or ENOSPC: array full; ENOMEM, ENOSPC (10000 blocks).
  [[nodiscard]] int add(pcie::Bdf function);
  // What the entry says; nothing where the function has none.
  [[nodiscard]] std::optional<std::uint16_t> count(pcie::Bdf function) const;
  // 0: the entry goes away. Contract: it is there.
  void set_count(pcie::Bdf function, std::uint16_t count);
  // Functions with an entry, each once.
  [[nodiscard]] std::size_t size() const { return slots_.size(); }

  // Unpreserves and frees all of it.
  void release();

 private:
  [[nodiscard]] bool blocks() const;
  [[nodiscard]] std::span<std::byte> slot(std::uint64_t index) const;
  [[nodiscard]] int free_slot(std::uint64_t& index);
  void insert_sorted(pcie::Bdf function);
  void erase_sorted(pcie::Bdf function);
  void write_header();

  Kho& kho_;
  PciLayout layout_;
  PciFull full_;
  PhysicalAddress address_;
  std::uint64_t room_ = 0;
  std::optional<BlockSet> blocks_;
  std::map<pcie::Bdf, std::uint64_t> slots_;  // of each function, as its struct pci_dev points to it; sorted: its count
};

class PciIncomingTable {
 public:
  // Takes the table at `address` over. EINVAL: its structure is broken, or its pages were not preserved; EBUSY: a
  // function twice, where that is refused. `why` says what. Nothing is taken over then.
  [[nodiscard]] static int restore(Kho& kho, const PciLiveUpdateRules& rules, PhysicalAddress address,
                                   std::optional<PciIncomingTable>& out, std::string& why);

  // What the entry says now; nothing where the lookup does not find one.
  [[nodiscard]] std::optional<std::uint16_t> count(pcie::Bdf function) const;
  // Contract: found, and its count is not 0. The header counts one device less where it comes to 0.
  void decrease(pcie::Bdf function);
  // As the header says, less what was finished.
  [[nodiscard]] std::uint32_t nr_devices() const { return nr_devices_; }
  // Whether the lookup has any entry.
  [[nodiscard]] bool empty() const { return index_.empty(); }
  // Names of what has a count, in the order of domain and bdf.
  [[nodiscard]] std::vector<std::string> unfinished() const;
  // Frees all of it.
  void release();

 private:
  PciIncomingTable(Kho& kho, const PciLiveUpdateRules& rules, PhysicalAddress address);
  [[nodiscard]] int build_index(const PciTable& table, const PciLiveUpdateRules& rules);
  [[nodiscard]] const PciTableEntry* find(pcie::Bdf function) const;
  [[nodiscard]] PciTableEntry* find(pcie::Bdf function);

  Kho* kho_;
  PciLayout layout_;
  PhysicalAddress address_;
  std::uint64_t pages_ = 0;
  std::uint32_t nr_devices_ = 0;
  std::optional<BlockSet> blocks_;
  std::vector<PciTableEntry> index_;  // searched by halves; counts live here where the layout has none
};

}  // namespace holdover::host::kernel
