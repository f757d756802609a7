// SPDX-License-Identifier: MIT
#include "host/kernel/pci/live_update_table.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "host/kernel/kho/dram_value.h"
#include "host/kernel/pci/abi/pci_v3.h"
#include "host/kernel/pci/abi/pci_v4.h"
#include "host/kernel/pci/abi/pci_v7.h"
#include "host/kernel/pci/abi/pci_v8.h"
#include "pcie/error.h"

namespace holdover::host::kernel {
namespace {

using Entry = pci_v4::PciDevSer;  // the same place for every field in every layout (abi/pci_v*.h)

bool in_blocks(PciLayout layout) { return layout == PciLayout::Blocks || layout == PciLayout::VersionedBlocks; }

std::uint64_t key_of(pcie::Bdf function) { return std::uint64_t{function.segment} << 16 | function.requester_id(); }

bool before(const PciTableEntry& entry, std::uint64_t key) { return entry.key() < key; }

}  // namespace

// ---- Outgoing ----

PciOutgoingTable::PciOutgoingTable(Kho& kho, const PciLiveUpdateRules& rules)
    : kho_(kho), layout_(rules.layout), full_(rules.full) {}

bool PciOutgoingTable::blocks() const { return in_blocks(layout_); }

int PciOutgoingTable::create(std::uint64_t room) {
  room_ = blocks() ? 0 : room;
  const Bytes size{pci_header_bytes(layout_) + room_ * kPciEntryBytes};
  if (const int error = kho_.alloc_preserve(size, address_); error != 0) return error;
  if (blocks()) blocks_.emplace(kho_, kPciEntryBytes);
  write_header();
  return 0;
}

void PciOutgoingTable::write_header() {
  const std::span<std::byte> dram = kho_.pages().dram();
  const auto used = static_cast<std::uint32_t>(slots_.size());
  const auto room = static_cast<std::uint32_t>(room_);
  switch (layout_) {
    case PciLayout::SortedArray:
      store(dram, address_.raw(), pci_v3::PciSer{room_, slots_.size()});
      break;
    case PciLayout::CountedArray:
      store(dram, address_.raw(), pci_v4::PciSer{room, used});
      break;
    case PciLayout::Blocks:
      store(dram, address_.raw(), pci_v7::PciSer{used, blocks_->first().raw()});
      break;
    case PciLayout::VersionedBlocks:
      store(dram, address_.raw(), pci_v8::PciSer{pci_v8::kVersion, used, blocks_->first().raw()});
      break;
  }
}

std::span<std::byte> PciOutgoingTable::slot(std::uint64_t index) const {
  if (blocks()) return blocks_->entry(index);
  return kho_.pages().dram().subspan(address_.raw() + pci_header_bytes(layout_) + index * kPciEntryBytes,
                                     kPciEntryBytes);
}

int PciOutgoingTable::add(pcie::Bdf function) {
  HOLDOVER_CHECK(slots_.count(function) == 0);
  if (!blocks() && slots_.size() == room_) return full_ == PciFull::TooBig ? E2BIG : ENOSPC;
  if (layout_ == PciLayout::SortedArray) {
    insert_sorted(function);
    return 0;
  }
  std::uint64_t index = 0;
  if (const int error = free_slot(index); error != 0) return error;
  store(slot(index), 0, Entry{function.segment, function.requester_id(), 1});
  slots_.emplace(function, index);
  write_header();
  return 0;
}

int PciOutgoingTable::free_slot(std::uint64_t& index) {
  const std::uint64_t slots = blocks() ? blocks_->size() : room_;
  // An array is tried from the number of entries on, where the first free slot is expected; blocks from their
  // beginning.
  const std::uint64_t first = blocks() ? 0 : slots_.size();
  for (std::uint64_t tried = 0; tried < slots; ++tried) {
    index = (first + tried) % slots;
    if (load<Entry>(slot(index), 0).refcount == 0) return 0;
  }
  if (!blocks()) return ENOSPC;
  index = slots;
  return blocks_->resize(slots + 1);
}

void PciOutgoingTable::insert_sorted(pcie::Bdf function) {
  std::uint64_t index = slots_.size();
  for (; index > 0; --index) {
    const auto entry = load<pci_v3::PciDevSer>(slot(index - 1), 0);
    if ((std::uint64_t{entry.domain} << 16 | entry.bdf) < key_of(function)) break;
    store(slot(index), 0, entry);
  }
  store(slot(index), 0, pci_v3::PciDevSer{function.segment, function.requester_id(), 0});
  slots_.emplace(function, 1);
  write_header();
}

void PciOutgoingTable::erase_sorted(pcie::Bdf function) {
  std::uint64_t index = 0;
  for (; index < slots_.size(); ++index) {
    const auto entry = load<pci_v3::PciDevSer>(slot(index), 0);
    if ((std::uint64_t{entry.domain} << 16 | entry.bdf) == key_of(function)) break;
  }
  for (; index + 1 < slots_.size(); ++index) store(slot(index), 0, load<pci_v3::PciDevSer>(slot(index + 1), 0));
  slots_.erase(function);
  write_header();
}

std::optional<std::uint16_t> PciOutgoingTable::count(pcie::Bdf function) const {
  const auto found = slots_.find(function);
  if (found == slots_.end()) return std::nullopt;
  if (layout_ == PciLayout::SortedArray) return static_cast<std::uint16_t>(found->second);
  return load<Entry>(slot(found->second), 0).refcount;
}

void PciOutgoingTable::set_count(pcie::Bdf function, std::uint16_t count) {
  const auto found = slots_.find(function);
  HOLDOVER_CHECK(found != slots_.end());
  if (layout_ == PciLayout::SortedArray) {
    found->second = count;
    if (count == 0) erase_sorted(function);
    return;
  }
  auto entry = load<Entry>(slot(found->second), 0);
  entry.refcount = count;
  if (count == 0) entry = Entry{};
  store(slot(found->second), 0, entry);
  if (count != 0) return;
  slots_.erase(found);
  write_header();
}

void PciOutgoingTable::release() {
  if (blocks_) blocks_->release();
  blocks_.reset();
  kho_.unpreserve_free(address_, Bytes{pci_header_bytes(layout_) + room_ * kPciEntryBytes});
  slots_.clear();
}

// ---- Incoming ----

PciIncomingTable::PciIncomingTable(Kho& kho, const PciLiveUpdateRules& rules, PhysicalAddress address)
    : kho_(&kho), layout_(rules.layout), address_(address) {}

int PciIncomingTable::restore(Kho& kho, const PciLiveUpdateRules& rules, PhysicalAddress address,
                              std::optional<PciIncomingTable>& out, std::string& why) {
  const auto read = read_pci_table(kho.pages().dram(), address, rules.layout, &why);
  if (!read) return EINVAL;
  if (!kho.can_restore(address, Bytes{read->bytes})) {
    why = "the PCI table was not preserved";
    return EINVAL;
  }
  PciIncomingTable table(kho, rules, address);
  table.nr_devices_ = static_cast<std::uint32_t>(read->nr_devices);
  if (const int error = table.build_index(*read, rules); error != 0) {
    why = "a PCI device is in the table twice";
    return error;
  }
  if (in_blocks(rules.layout)) {
    table.blocks_ = BlockSet::restore(kho, read->blocks, kPciEntryBytes);
    if (!table.blocks_) {
      why = "the blocks of the PCI table were not preserved";
      return EINVAL;
    }
  }
  const auto order = kho.restore_folio(address, PageState::Kernel);
  if (!order) {
    why = "the PCI table lies in one of its own blocks";
    return EINVAL;
  }
  table.pages_ = std::uint64_t{1} << *order;
  out = std::move(table);
  return 0;
}

int PciIncomingTable::build_index(const PciTable& table, const PciLiveUpdateRules& rules) {
  index_ = table.entries;
  if (rules.lookup == PciLookup::BinarySearch) return 0;  // trusted to be sorted
  const auto less = [](const PciTableEntry& a, const PciTableEntry& b) { return a.key() < b.key(); };
  const auto same = [](const PciTableEntry& a, const PciTableEntry& b) { return a.key() == b.key(); };
  std::stable_sort(index_.begin(), index_.end(), less);
  const bool twice = std::adjacent_find(index_.begin(), index_.end(), same) != index_.end();
  if (twice && rules.duplicates == PciDuplicates::Refused) return EBUSY;
  if (!twice || rules.lookup == PciLookup::SortThenSearch) return 0;
  // What is stored in an index last is what is found.
  std::reverse(index_.begin(), index_.end());
  std::stable_sort(index_.begin(), index_.end(), less);
  index_.erase(std::unique(index_.begin(), index_.end(), same), index_.end());
  return 0;
}

const PciTableEntry* PciIncomingTable::find(pcie::Bdf function) const {
  return const_cast<PciIncomingTable*>(this)->find(function);
}

PciTableEntry* PciIncomingTable::find(pcie::Bdf function) {
  const std::uint64_t key = key_of(function);
  const auto found = std::lower_bound(index_.begin(), index_.end(), key, before);
  return found != index_.end() && found->key() == key ? &*found : nullptr;
}

std::optional<std::uint16_t> PciIncomingTable::count(pcie::Bdf function) const {
  const PciTableEntry* entry = find(function);
  if (entry == nullptr) return std::nullopt;
  if (layout_ == PciLayout::SortedArray) return entry->refcount;
  return load<Entry>(kho_->pages().dram(), entry->offset).refcount;
}

void PciIncomingTable::decrease(pcie::Bdf function) {
  PciTableEntry* const found = find(function);
  const std::uint16_t before = count(function).value_or(0);
  HOLDOVER_CHECK(before != 0);
  found->refcount = static_cast<std::uint16_t>(before - 1);
  if (layout_ != PciLayout::SortedArray) {
    store(kho_->pages().dram(), found->offset + offsetof(Entry, refcount), found->refcount);
  }
  if (found->refcount != 0) return;
  --nr_devices_;
  store_pci_nr_devices(kho_->pages().dram(), address_, layout_, nr_devices_);
}

std::vector<std::string> PciIncomingTable::unfinished() const {
  std::vector<std::string> names;
  for (const PciTableEntry& found : index_) {
    const bool counted = layout_ != PciLayout::SortedArray;
    const auto entry = load<Entry>(kho_->pages().dram(), found.offset);
    if ((counted ? entry.refcount : found.refcount) == 0) continue;
    char name[24];
    std::snprintf(name, sizeof name, "%04x:%02x:%02x.%u", found.domain, found.bdf >> 8, (found.bdf >> 3) & 0x1fu,
                  found.bdf & 7u);
    names.emplace_back(name);
  }
  return names;
}

void PciIncomingTable::release() {
  if (blocks_) blocks_->release();
  blocks_.reset();
  kho_->pages().free(address_, pages_);
  index_.clear();
}

}  // namespace holdover::host::kernel
