// SPDX-License-Identifier: MIT
// The incoming half of the PCI core's part in a live update.
#include <cerrno>
#include <utility>

#include "host/kernel/luo/luo.h"
#include "host/kernel/panic.h"
#include "host/kernel/pci/abi/pci_v8.h"
#include "host/kernel/pci/liveupdate.h"

namespace holdover::host::kernel {

// ---- Flb ----

int PciLiveUpdate::retrieve(std::uint64_t data) {
  const PhysicalAddress address{data};
  if (rules_.layout == PciLayout::VersionedBlocks && rules_.other_version == PciOtherVersion::Panics) {
    const std::optional<std::uint32_t> version = pci_table_version(kho_.pages().dram(), address);
    if (version && *version != pci_v8::kVersion) {
      throw Panic("PCI: the handed-over table has version " + std::to_string(*version) + ", and this kernel knows " +
                  std::to_string(pci_v8::kVersion));
    }
  }
  std::string why;
  const int error = PciIncomingTable::restore(kho_, rules_, address, incoming_table_, why);
  if (error != 0) {
    warn("PCI: the handed-over table cannot be used: " + why);
    return error;
  }
  if (!incoming_table_->empty()) had_incoming_ = true;
  mark_table(pcie::Step::IncomingTable, address);
  return 0;
}

void PciLiveUpdate::finish(std::uint64_t) {
  mark(pcie::Step::IncomingTable, 0);
  if (rules_.unfinished == PciUnfinished::Panic && incoming_table_->nr_devices() != 0) {
    std::string unfinished;
    for (const std::string& function : incoming_table_->unfinished()) unfinished += " " + function;
    throw Panic("PCI: functions were handed over and never finished:" + unfinished);
  }
  incoming_table_->release();
  incoming_table_.reset();
}

// Holds a reference where it returns true.
bool PciLiveUpdate::ask_incoming() {
  if (!supported_) return false;
  const int error = luo_.get_incoming(*this);
  switch (error) {
    case 0:
      return true;
    case EOPNOTSUPP:
    case ENODATA:
      return false;
    case ENOENT:
      // No PCI device was handed over, or by a kernel that used another string.
      if (rules_.no_entry == PciNoEntry::InfoOnce && !std::exchange(said_no_entry_, true)) {
        warn("PCI: nothing that was handed over has the name " + std::string(compatible()));
      }
      return false;
    default:
      break;
  }
  const std::string sentence = "PCI: the handed-over table cannot be retrieved, errno " + std::to_string(error);
  // An ordinary boot could renumber or reset a function that does DMA.
  if (rules_.failure == PciFailure::Panic) throw Panic(sentence);
  if (!std::exchange(said_failure_, true)) warn(sentence + "; this boot goes on as if there were none");
  return false;
}

std::uint32_t PciLiveUpdate::incoming_nr_devices() {
  if (!ask_incoming()) return 0;
  const std::uint32_t count = incoming_table_->nr_devices();
  luo_.put_incoming(*this);
  return count;
}

bool PciLiveUpdate::had_incoming() {
  if (!had_incoming_ && ask_incoming()) luo_.put_incoming(*this);
  return had_incoming_;
}

// ---- Scan ----

bool PciLiveUpdate::setup_device(pcie::Bdf function) {
  if (!ask_incoming()) return false;
  if (rules_.bus_numbers == PciBusNumbers::MarkedAtSetup) keeps_numbers_.insert(function);
  const bool found = incoming_table_->count(function).value_or(0) != 0;
  const bool is_new = found && incoming_.insert(function).second;
  if (is_new) mark(pcie::Step::FunctionIncoming, function.requester_id());
  if (found) was_incoming_.insert(function);
  if (!is_new || rules_.incoming_reference == PciIncomingReference::None) luo_.put_incoming(*this);
  return found;
}

bool PciLiveUpdate::keep_bus_numbers(pcie::Bdf bridge, const pcie::Bdf* upstream, unsigned pass) {
  if (!supported_) return false;
  switch (rules_.bus_numbers) {
    case PciBusNumbers::WhileIncoming:
      return incoming_nr_devices() != 0;
    case PciBusNumbers::MarkedAtSetup:
      return keeps_numbers_.count(bridge) != 0;
    case PciBusNumbers::WhileTable:
      if (outgoing_) return true;
      if (!ask_incoming()) return false;
      luo_.put_incoming(*this);
      return true;
    case PciBusNumbers::PerScan:
      if (pass == 0) {
        const bool above = upstream != nullptr && keeps_numbers_.count(*upstream) != 0;
        if (above || incoming_nr_devices() != 0) keeps_numbers_.insert(bridge);
      }
      return keeps_numbers_.count(bridge) != 0;
    case PciBusNumbers::ForEver:
      break;
  }
  return had_incoming();
}

void PciLiveUpdate::end_bridge_scan(pcie::Bdf bridge) {
  if (rules_.bus_numbers == PciBusNumbers::PerScan) keeps_numbers_.erase(bridge);
}

void PciLiveUpdate::note_lost_bus_numbers(pcie::Bdf bridge) {
  if (was_incoming_.count(bridge) != 0) lost_buses_.emplace(bridge.segment, bridge.bus);
}

bool PciLiveUpdate::refuse_bus_numbers(pcie::Bdf bridge) const {
  switch (rules_.lost_numbers) {
    case PciLostNumbers::Numbered:
      return false;
    case PciLostNumbers::AllRefused:
      return true;
    case PciLostNumbers::IncomingRefused:
      break;
  }
  return lost_buses_.count({bridge.segment, bridge.bus}) != 0;
}

void PciLiveUpdate::warn_refused_bus_numbers(pcie::Bdf bridge) const {
  warn("PCI: " + bridge.to_string() + " has no valid bus numbers and is given none, nothing below it is found");
}

void PciLiveUpdate::warn_acs_fallback(pcie::Bdf function) const {
  warn("PCI: " + function.to_string() + " needs a quirk for ACS, and what it was found with is not kept");
}

// ---- Drivers ----

int PciLiveUpdate::check_retrieve(pcie::Bdf function) const {
  if (is_incoming(function) || rules_.driver_question == PciDriverQuestion::None) return 0;
  return rules_.driver_question == PciDriverQuestion::Retrieve ? EINVAL : ENODEV;
}

void PciLiveUpdate::finish(const PciPath& path) {
  if (rules_.finish == PciFinish::ClearsMark) {
    if (incoming_.erase(path.function) == 0) {
      warn("PCI: " + path.function.to_string() + " is not incoming and cannot be finished");
    } else {
      mark(pcie::Step::FunctionFinished, path.function.requester_id());
    }
    return;
  }
  // Where functions hold references, those keep the table.
  if (rules_.incoming_reference != PciIncomingReference::None) {
    finish_path(path);
    return;
  }
  if (!ask_incoming()) {
    warn("PCI: " + path.function.to_string() + " cannot be finished, there is no incoming table");
    return;
  }
  finish_path(path);
  luo_.put_incoming(*this);
}

void PciLiveUpdate::finish_path(const PciPath& path) {
  if (rules_.walk == PciWalk::Whole && !is_incoming(path.function)) {
    warn("PCI: " + path.function.to_string() + " is not incoming and cannot be finished");
    return;
  }
  for (const pcie::Bdf function : walk(path)) {
    if (!finish_one(function) && rules_.walk == PciWalk::StopsAtMissing) return;
  }
}

bool PciLiveUpdate::finish_one(pcie::Bdf function) {
  if (!is_incoming(function)) {
    warn("PCI: " + function.to_string() + " is not incoming and cannot be finished");
    return false;
  }
  if (!incoming_table_) {
    warn("PCI: " + function.to_string() + " is finished in a table that was given back already");
    incoming_.erase(function);
    return false;
  }
  if (incoming_table_->count(function).value_or(0) == 0) {
    warn("PCI: " + function.to_string() + " is incoming with a count of 0");
    return false;
  }
  incoming_table_->decrease(function);
  const bool done = incoming_table_->count(function).value_or(0) == 0;
  if (done) {
    incoming_.erase(function);
    mark(pcie::Step::FunctionFinished, function.requester_id());
  }
  const bool puts = rules_.incoming_reference == PciIncomingReference::PerFinish ||
                    (rules_.incoming_reference == PciIncomingReference::PerFunction && done);
  if (puts) luo_.put_incoming(*this);
  return true;
}

}  // namespace holdover::host::kernel
