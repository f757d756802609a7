// SPDX-License-Identifier: MIT
#include "bench/ledger/invariants/table_watch.h"

#include <algorithm>
#include <map>

namespace holdover::bench {
namespace {

using host::kernel::HandedPciDevice;
using pcie::Step;

// Steps in the middle of a verb, where the table and the kernel's own state are under way to each other.
bool in_the_middle(Step step) {
  switch (step) {
    case Step::OutgoingTable:
    case Step::IncomingTable:
    case Step::FunctionPreserved:
    case Step::FunctionUnpreserved:
    case Step::FunctionIncoming:
    case Step::FunctionFinished:
    case Step::FlbPreserved:
    case Step::FlbUnpreserved:
    case Step::FlbRetrieved:
    case Step::FlbFinished:
    case Step::Panic:
      return true;
    default:
      return false;
  }
}

std::string table_name(const char* direction) { return std::string("the ") + direction + " table of PCI devices"; }

}  // namespace

void TableWatch::on_mark(const Scene::Mark& mark) {
  if (mark.kernel != kernel_) {
    kernel_ = mark.kernel;
    outgoing_ = {"outgoing", {}, {}};
    incoming_ = {"incoming", {}, {}};
    found_.clear();
    finished_.clear();
  }
  const auto id = static_cast<pcie::RequesterId>(mark.value);
  switch (mark.step) {
    case Step::OutgoingTable:
      outgoing_.place = mark.value;
      break;
    case Step::IncomingTable:
      if (mark.value == 0) judge_finish(mark.time);
      incoming_.place = mark.value;
      break;
    case Step::FunctionPreserved:
      outgoing_.functions.insert(id);
      break;
    case Step::FunctionUnpreserved:
      outgoing_.functions.erase(id);
      break;
    case Step::FunctionIncoming:
      incoming_.functions.insert(id);
      break;
    case Step::FunctionFinished:
      incoming_.functions.erase(id);
      finished_.insert(id);
      break;
    case Step::FunctionFound:
      found_.insert(id);
      break;
    default:
      break;
  }
  if (!in_the_middle(mark.step)) judge(mark.time);
}

void TableWatch::judge(Time time) {
  judge(time, outgoing_);
  judge(time, incoming_);
}

// The one place where the bench reads a table that is still in use.
std::optional<std::vector<HandedPciDevice>> TableWatch::read(const Table& table, std::string& why) const {
  constexpr std::uint64_t kInPage = kPageSize.count() - 1;
  const std::uint64_t layout = table.place & kInPage;
  if (layout > static_cast<std::uint64_t>(host::kernel::PciLayout::VersionedBlocks)) {
    why = "there is no layout " + std::to_string(layout);
    return std::nullopt;
  }
  return host::kernel::decode_pci_table(dram_, PhysicalAddress{table.place & ~kInPage},
                                        static_cast<host::kernel::PciLayout>(layout), &why);
}

void TableWatch::judge(Time time, const Table& table) {
  if (table.place == 0) {
    for (const pcie::RequesterId id : table.functions) {
      record_.misbooked(2, time,
                        pcie::Bdf::from_requester_id(id).to_string() + " is " + table.direction + ", and there is no " +
                            table.direction + " table of PCI devices");
    }
    return;
  }
  record_.judged(1);
  std::string why;
  const auto devices = read(table, why);
  if (!devices) {
    record_.misbooked(1, time, table_name(table.direction) + " at " + hex(table.place) + " cannot be read: " + why);
    return;
  }
  judge_counts(time, table, *devices);
  judge_functions(time, table, *devices);
}

void TableWatch::judge_counts(Time time, const Table& table, const std::vector<HandedPciDevice>& devices) {
  std::map<sim::FunctionIndex, unsigned> below;
  for (const HandedPciDevice& device : devices) {
    const auto function = scene_.function_at(device.bdf.requester_id());
    if (!function || scene_.functions()[*function].kind != sim::FunctionKind::Endpoint) continue;
    for (const sim::FunctionIndex above : scene_.path(scene_.functions()[*function].endpoint)) ++below[above];
  }
  for (const HandedPciDevice& device : devices) {
    const auto function = scene_.function_at(device.bdf.requester_id());
    if (!function || below[*function] == device.refcount) continue;
    record_.misbooked(1, time,
                      scene_.describe(*function) + " stands in " + table_name(table.direction) + " with a count of " +
                          std::to_string(device.refcount) + ", and " + std::to_string(below[*function]) +
                          " recorded endpoints are there or below it");
  }
}

void TableWatch::judge_functions(Time time, const Table& table, const std::vector<HandedPciDevice>& devices) {
  if (!table.functions.empty()) record_.judged(2);
  for (const pcie::RequesterId id : table.functions) {
    const bool there = std::any_of(devices.begin(), devices.end(),
                                   [id](const HandedPciDevice& device) { return device.bdf.requester_id() == id; });
    if (there) continue;
    record_.misbooked(2, time,
                      pcie::Bdf::from_requester_id(id).to_string() + " is " + table.direction +
                          " and has no entry in " + table_name(table.direction));
  }
  for (const HandedPciDevice& device : devices) {
    const pcie::RequesterId id = device.bdf.requester_id();
    // What the scan has not come to yet has no kernel object that could say it; a layout may keep what is finished.
    const bool may_say = &table == &outgoing_ || (found_.count(id) != 0 && finished_.count(id) == 0);
    if (!may_say || table.functions.count(id) != 0) continue;
    record_.misbooked(
        2, time,
        device.bdf.to_string() + " has an entry in " + table_name(table.direction) + " and is not " + table.direction);
  }
}

void TableWatch::judge_finish(Time time) {
  if (incoming_.place == 0) {
    record_.misbooked(13, time, "an incoming table of PCI devices that is gone was finished");
    return;
  }
  std::string why;
  const auto devices = read(incoming_, why);
  const auto left = [this](const HandedPciDevice& device) { return finished_.count(device.bdf.requester_id()) == 0; };
  const auto count = devices ? std::count_if(devices->begin(), devices->end(), left) : 0;
  if (devices && count == 0) return;
  record_.misbooked(
      13, time,
      table_name(incoming_.direction) + " was finished " +
          (devices ? "with " + std::to_string(count) + " devices left in it" : "and cannot be read: " + why));
}

}  // namespace holdover::bench
