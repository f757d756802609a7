// SPDX-License-Identifier: MIT
// The outgoing half; what the PCI core does with the table of the kernel before it stands in liveupdate_incoming.cc.
#include "host/kernel/pci/liveupdate.h"

#include <algorithm>
#include <cerrno>
#include <limits>

#include "host/kernel/luo/luo.h"

namespace holdover::host::kernel {

PciLiveUpdate::PciLiveUpdate(Kho& kho, Luo& luo, const std::optional<PciLiveUpdateRules>& rules, CountFunctions present,
                             MarkFunction mark, ConsoleLine console)
    : kho_(kho),
      luo_(luo),
      supported_(rules.has_value() && luo.enabled()),
      rules_(rules.value_or(PciLiveUpdateRules{})),
      present_(std::move(present)),
      mark_(std::move(mark)),
      console_(std::move(console)) {}

int PciLiveUpdate::register_flb(FileHandler& handler) {
  return supported_ ? luo_.register_flb(handler, *this) : EOPNOTSUPP;
}

// ---- Flb ----

int PciLiveUpdate::preserve(std::uint64_t& data) {
  PciOutgoingTable table(kho_, rules_);
  if (const int error = table.create(present_ ? present_() : 0); error != 0) return error;
  data = table.address().raw();
  outgoing_.emplace(std::move(table));
  mark_table(pcie::Step::OutgoingTable, PhysicalAddress{data});
  return 0;
}

void PciLiveUpdate::unpreserve(std::uint64_t) {
  if (outgoing_->size() != 0) warn("PCI: the outgoing table goes away while functions are recorded in it");
  outgoing_->release();
  outgoing_.reset();
  mark(pcie::Step::OutgoingTable, 0);
}

// ---- Drivers ----

std::vector<pcie::Bdf> PciLiveUpdate::walk(const PciPath& path) const {
  std::vector<pcie::Bdf> functions{path.function};
  if (rules_.records == PciRecords::FunctionAlone) return functions;
  functions.insert(functions.end(), path.bridges.begin(), path.bridges.end());
  if (rules_.walk == PciWalk::Whole) std::reverse(functions.begin(), functions.end());
  return functions;
}

int PciLiveUpdate::refusal(const PciPath& path) const {
  if (path.virtual_function) return EINVAL;
  if (path.physical_function && rules_.physical_function == PciPermission::Refused) return EINVAL;
  if (path.acs_quirk && rules_.acs_quirk == PciPermission::Refused) return EINVAL;
  if (!path.singleton_group && rules_.singleton_group == PciDemand::Required) return EINVAL;
  if (!path.reaches_root && rules_.root_path == PciDemand::Required) return EINVAL;
  return 0;
}

int PciLiveUpdate::preserve(const PciPath& path) {
  if (!supported_) return EOPNOTSUPP;
  if (const int refused = refusal(path); refused != 0) return refused;
  if (const int error = luo_.get_outgoing(*this); error != 0) return error;
  const bool named_is_counted = path.bridge && rules_.named_bridge == PciNamedBridge::Counted;
  int error = recorded(path.function) && !named_is_counted ? EBUSY : 0;
  const std::vector<pcie::Bdf> functions = walk(path);
  for (std::size_t index = 0; error == 0 && index < functions.size(); ++index) {
    error = record(functions[index], functions[index] != path.function || named_is_counted);
    if (error == 0) continue;
    while (index-- > 0) static_cast<void>(forget(functions[index]));
    break;
  }
  if (rules_.outgoing_reference == PciOutgoingReference::Balanced) luo_.put_outgoing(*this);
  if (error != 0) return error;
  for (const pcie::Bdf function : functions) mark_new(function);
  return 0;
}

// Bridges that were recorded before have been announced before.
void PciLiveUpdate::mark_new(pcie::Bdf function) const {
  if (outgoing_->count(function) == 1) mark(pcie::Step::FunctionPreserved, function.requester_id());
}

// `counted`: where it is recorded already, once more.
int PciLiveUpdate::record(pcie::Bdf function, bool counted) {
  if (frozen_.count(function) != 0) {
    warn("PCI: " + function.to_string() + " cannot be preserved after its shutdown began");
    return EINVAL;
  }
  const std::optional<std::uint16_t> count = outgoing_->count(function);
  if (!count) return outgoing_->add(function);
  if (!counted) return EBUSY;
  if (*count == 0) {
    warn("PCI: " + function.to_string() + " is recorded with a count of 0");
    return EINVAL;
  }
  if (*count == std::numeric_limits<std::uint16_t>::max()) return ENOSPC;
  outgoing_->set_count(function, static_cast<std::uint16_t>(*count + 1));
  return 0;
}

void PciLiveUpdate::unpreserve(const PciPath& path) {
  if (!supported_ || luo_.get_outgoing(*this) != 0) {
    warn("PCI: " + path.function.to_string() + " cannot be unpreserved, there is no outgoing table");
    return;
  }
  for (const pcie::Bdf function : walk(path)) {
    // What is above keeps its count (H005).
    if (!forget(function) && rules_.walk == PciWalk::StopsAtMissing) break;
  }
  if (rules_.outgoing_reference == PciOutgoingReference::Balanced) luo_.put_outgoing(*this);
}

bool PciLiveUpdate::forget(pcie::Bdf function) {
  if (frozen_.count(function) != 0) {
    warn("PCI: " + function.to_string() + " cannot be unpreserved after its shutdown began");
    return false;
  }
  const std::optional<std::uint16_t> count = outgoing_->count(function);
  if (!count || *count == 0) {
    warn("PCI: " + function.to_string() +
         (count ? " is recorded with a count of 0" : " is not recorded and cannot be unpreserved"));
    return false;
  }
  outgoing_->set_count(function, static_cast<std::uint16_t>(*count - 1));
  if (*count == 1) mark(pcie::Step::FunctionUnpreserved, function.requester_id());
  return true;
}

bool PciLiveUpdate::recorded(pcie::Bdf function) const { return outgoing_ && outgoing_->count(function).has_value(); }

bool PciLiveUpdate::is_outgoing(pcie::Bdf function) const {
  if (supported_ && rules_.status_freeze == PciStatusFreeze::On && frozen_.count(function) == 0 && !asked_early_) {
    asked_early_ = true;
    warn("PCI: whether " + function.to_string() + " is preserved is asked before that is fixed");
  }
  return recorded(function);
}

void PciLiveUpdate::freeze(pcie::Bdf function) {
  if (rules_.status_freeze == PciStatusFreeze::On) frozen_.insert(function);
}

void PciLiveUpdate::cleanup_device(const PciPath& path) {
  const bool outgoing = recorded(path.function);
  const bool incoming = is_incoming(path.function);
  if (rules_.cleanup != PciCleanup::Nothing) {
    if (outgoing) warn("PCI: " + path.function.to_string() + " goes away while it is outgoing");
    if (incoming) warn("PCI: " + path.function.to_string() + " goes away while it is incoming");
  }
  if (rules_.cleanup == PciCleanup::Undo) {
    if (outgoing) unpreserve(path);
    if (incoming) finish(path);
  }
  incoming_.erase(path.function);
  was_incoming_.erase(path.function);
  keeps_numbers_.erase(path.function);
  frozen_.erase(path.function);
}

void PciLiveUpdate::mark(pcie::Step step, std::uint64_t value) const {
  if (mark_) mark_(step, value);
}

void PciLiveUpdate::mark_table(pcie::Step step, PhysicalAddress table) const {
  mark(step, table.raw() | static_cast<std::uint64_t>(rules_.layout));
}

void PciLiveUpdate::warn(const std::string& sentence) const {
  if (console_) console_(sentence);
}

}  // namespace holdover::host::kernel
