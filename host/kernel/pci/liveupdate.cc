// SPDX-License-Identifier: MIT
#include "host/kernel/pci/liveupdate.h"

#include <cerrno>
#include <limits>

#include "host/kernel/kho/dram_value.h"
#include "host/kernel/luo/luo.h"
#include "host/kernel/panic.h"

namespace holdover::host::kernel {
namespace {

using pci_abi::PciDevSer;
using pci_abi::PciSer;

constexpr Bytes kPciSerSize{sizeof(PciSer)};

}  // namespace

PciLiveUpdate::PciLiveUpdate(Kho& kho, Luo& luo, bool supported, MarkFunction mark, ConsoleLine console)
    : kho_(kho),
      luo_(luo),
      supported_(supported && luo.enabled()),
      mark_(std::move(mark)),
      console_(std::move(console)) {}

int PciLiveUpdate::register_flb(FileHandler& handler) {
  return supported_ ? luo_.register_flb(handler, *this) : EOPNOTSUPP;
}

// ---- Outgoing ----

int PciLiveUpdate::preserve(std::uint64_t& data) {
  if (const int error = kho_.alloc_preserve(kPciSerSize, table_); error != 0) return error;
  entries_.emplace(kho_, sizeof(PciDevSer));
  write_header();
  data = table_.raw();
  return 0;
}

void PciLiveUpdate::unpreserve(std::uint64_t) {
  if (!outgoing_.empty()) warn("PCI: the outgoing table goes away while functions are recorded in it");
  outgoing_.clear();
  free_slots_.clear();
  entries_->release();
  entries_.reset();
  kho_.unpreserve_free(table_, kPciSerSize);
  table_ = PhysicalAddress{0};
}

void PciLiveUpdate::write_header() {
  store(kho_.pages().dram(), table_.raw(),
        PciSer{pci_abi::kVersion, static_cast<std::uint32_t>(outgoing_.size()), entries_->first().raw()});
}

int PciLiveUpdate::preserve(const PciPath& path) {
  if (!supported_) return EOPNOTSUPP;
  if (path.virtual_function || path.acs_quirk) return EINVAL;
  if (const int error = luo_.get_outgoing(*this); error != 0) return error;
  int error = record(path.function, true);
  std::size_t recorded = 0;
  for (; error == 0 && recorded < path.bridges.size(); ++recorded) {
    error = record(path.bridges[recorded], false);
    if (error != 0) {
      while (recorded-- > 0) static_cast<void>(forget(path.bridges[recorded]));
      static_cast<void>(forget(path.function));
      break;
    }
  }
  luo_.put_outgoing(*this);
  if (error != 0) return error;
  mark_new(path.function);
  for (const pcie::Bdf bridge : path.bridges) mark_new(bridge);
  return 0;
}

// Bridges that were recorded before have been announced before.
void PciLiveUpdate::mark_new(pcie::Bdf function) const {
  const auto entry = load<PciDevSer>(entries_->entry(outgoing_.at(function)), 0);
  if (mark_ && entry.refcount == 1) mark_(pcie::Step::FunctionPreserved, function.requester_id());
}

int PciLiveUpdate::record(pcie::Bdf function, bool endpoint) {
  if (frozen_.count(function) != 0) return EINVAL;
  const auto found = outgoing_.find(function);
  if (found != outgoing_.end()) {
    if (endpoint) return EBUSY;
    auto entry = load<PciDevSer>(entries_->entry(found->second), 0);
    if (entry.refcount == std::numeric_limits<std::uint16_t>::max()) return ENOSPC;
    ++entry.refcount;
    store(entries_->entry(found->second), 0, entry);
    return 0;
  }
  std::uint64_t slot = 0;
  if (free_slots_.empty()) {
    slot = entries_->size();
    if (const int error = entries_->resize(slot + 1); error != 0) return error;
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
  }
  store(entries_->entry(slot), 0, PciDevSer{function.segment, function.requester_id(), 1});
  outgoing_.emplace(function, slot);
  write_header();
  return 0;
}

void PciLiveUpdate::unpreserve(const PciPath& path) {
  if (frozen_.count(path.function) != 0) {
    warn("PCI: " + path.function.to_string() + " cannot be unpreserved after its shutdown began");
    return;
  }
  if (!forget(path.function)) return;
  for (const pcie::Bdf bridge : path.bridges) {
    // As in the series, the walk stops at the first function that is not recorded.
    if (!forget(bridge)) return;
  }
}

bool PciLiveUpdate::forget(pcie::Bdf function) {
  const auto found = outgoing_.find(function);
  if (found == outgoing_.end()) {
    warn("PCI: " + function.to_string() + " is not recorded and cannot be unpreserved");
    return false;
  }
  auto entry = load<PciDevSer>(entries_->entry(found->second), 0);
  if (--entry.refcount == 0) {
    entry = PciDevSer{};
    free_slots_.push_back(found->second);
    store(entries_->entry(found->second), 0, entry);
    outgoing_.erase(found);
    write_header();
    return true;
  }
  store(entries_->entry(found->second), 0, entry);
  return true;
}

void PciLiveUpdate::freeze(pcie::Bdf function) { frozen_.insert(function); }

// ---- Incoming ----

int PciLiveUpdate::retrieve(std::uint64_t data) {
  const PhysicalAddress table{data};
  std::string why;
  const auto devices = decode_pci_table(kho_.pages().dram(), table, &why);
  if (!devices) throw Panic("PCI: the handed-over table cannot be used: " + why);
  const auto header = load<PciSer>(kho_.pages().dram(), data);
  if (!kho_.can_restore(table, kPciSerSize)) throw Panic("PCI: the handed-over table was not preserved");
  if (kho_.restore_folio(table, PageState::Kernel) != 0u) throw Panic("PCI: the handed-over table has a wrong size");
  incoming_entries_ = BlockSet::restore(kho_, PhysicalAddress{header.devices}, sizeof(PciDevSer));
  if (!incoming_entries_) throw Panic("PCI: the blocks of the handed-over table were not preserved");
  for (std::uint64_t slot = 0; slot < incoming_entries_->size(); ++slot) {
    const auto entry = load<PciDevSer>(incoming_entries_->entry(slot), 0);
    if (entry.refcount == 0) continue;
    incoming_table_.emplace(pcie::Bdf::from_requester_id(entry.bdf, static_cast<std::uint16_t>(entry.domain)), slot);
  }
  had_incoming_ = true;
  return 0;
}

bool PciLiveUpdate::ask_incoming() {
  if (!supported_) return false;
  // LUO off, no table, no entry, finished already: in each case an ordinary function of an ordinary boot. retrieve()
  // panics by itself where a table is there and cannot be used.
  return luo_.get_incoming(*this) == 0;
}

bool PciLiveUpdate::had_incoming() {
  if (!had_incoming_ && ask_incoming()) luo_.put_incoming(*this);
  return had_incoming_;
}

bool PciLiveUpdate::setup_device(pcie::Bdf function) {
  if (!ask_incoming()) return false;
  const bool found = incoming_table_.count(function) != 0;
  if (found) incoming_.insert(function);
  luo_.put_incoming(*this);
  return found;
}

void PciLiveUpdate::cleanup_device(pcie::Bdf function) {
  if (is_incoming(function)) warn("PCI: " + function.to_string() + " goes away while it is incoming");
  if (is_outgoing(function)) warn("PCI: " + function.to_string() + " goes away while it is outgoing");
  incoming_.erase(function);
  frozen_.erase(function);
}

void PciLiveUpdate::note_lost_bus_numbers(pcie::Bdf bridge) {
  if (is_incoming(bridge)) lost_buses_.emplace(bridge.segment, bridge.bus);
}

bool PciLiveUpdate::refuse_bus_numbers(pcie::Bdf bridge) const {
  return lost_buses_.count({bridge.segment, bridge.bus}) != 0;
}

void PciLiveUpdate::finish(const PciPath& path) {
  if (!finish_one(path.function)) return;
  for (const pcie::Bdf bridge : path.bridges) {
    if (!finish_one(bridge)) return;
  }
}

bool PciLiveUpdate::finish_one(pcie::Bdf function) {
  const auto found = incoming_table_.find(function);
  if (found == incoming_table_.end()) {
    warn("PCI: " + function.to_string() + " is not incoming and cannot be finished");
    return false;
  }
  const std::span<std::byte> bytes = incoming_entries_->entry(found->second);
  auto entry = load<PciDevSer>(bytes, 0);
  HOLDOVER_CHECK(entry.refcount != 0);
  --entry.refcount;
  store(bytes, 0, entry);
  if (entry.refcount != 0) return true;
  incoming_table_.erase(found);
  incoming_.erase(function);
  if (mark_) mark_(pcie::Step::FunctionFinished, function.requester_id());
  return true;
}

void PciLiveUpdate::finish(std::uint64_t data) {
  if (!incoming_table_.empty()) {
    std::string unfinished;
    for (const auto& [function, slot] : incoming_table_) unfinished += " " + function.to_string();
    throw Panic("PCI: functions were handed over and never finished:" + unfinished);
  }
  incoming_entries_->release();
  incoming_entries_.reset();
  kho_.pages().free(PhysicalAddress{data}, 1);
}

void PciLiveUpdate::warn(const std::string& sentence) const {
  if (console_) console_(sentence);
}

}  // namespace holdover::host::kernel
