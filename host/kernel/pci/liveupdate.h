// SPDX-License-Identifier: MIT
// The PCI core's part in a live update: which functions (and bridges above them) are handed over, and which were. What
// differs between versions of the series is asked from its rules. Verbs return 0 or a positive errno.
//
// Who calls what: drivers' file handlers preserve, unpreserve, check_retrieve, finish; the scan setup_device (before it
// writes anything to the function), keep_bus_numbers, note_lost_bus_numbers, refuse_bus_numbers, end_bridge_scan;
// shutdown freeze and is_outgoing.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "host/kernel/kho/kho.h"
#include "host/kernel/luo/file_handler.h"
#include "host/kernel/mark.h"
#include "host/kernel/pci/live_update_rules.h"
#include "host/kernel/pci/live_update_table.h"
#include "pcie/bdf.h"

namespace holdover::host::kernel {

class Luo;

// A function as the PCI core knows it when a driver reports it.
struct PciPath {
  pcie::Bdf function;
  std::vector<pcie::Bdf> bridges;  // upstream, nearest first, up to the root port
  bool virtual_function = false;   // an SR-IOV VF
  bool acs_quirk = false;          // it or a bridge above needs device-specific ACS handling
  bool physical_function = false;  // has an SR-IOV capability
  bool singleton_group = true;     // alone in its IOMMU group
  bool reaches_root = true;        // the last bridge is on a root bus
  bool bridge = false;             // the function is a bridge itself
};

// How many PCI functions this kernel has found.
using CountFunctions = std::function<std::uint64_t()>;

class PciLiveUpdate : public Flb {
 public:
  // `kho` and `luo` outlive it. Without rules (a kernel without the series) nothing is ever incoming or outgoing and
  // preserve answers EOPNOTSUPP. `present` is asked when the first file is preserved.
  PciLiveUpdate(Kho& kho, Luo& luo, const std::optional<PciLiveUpdateRules>& rules, CountFunctions present,
                MarkFunction mark, ConsoleLine console);

  // Ties the PCI FLB to a registered handler; the errors of Luo::register_flb.
  [[nodiscard]] int register_flb(FileHandler& handler);

  // ---- Drivers ----
  // Records the function and, by the rule, every bridge above it. EOPNOTSUPP; EINVAL: VF, PF, ACS quirk, group or path
  // as the rules say, after freeze(), a count of 0 in the table; ENOENT: no file of a handler with the PCI FLB is being
  // preserved; EBUSY: recorded already; E2BIG, ENOSPC, ENOMEM: no room. All or nothing.
  [[nodiscard]] int preserve(const PciPath& path);
  void unpreserve(const PciPath& path);
  // Whether user space may retrieve the function's file: EINVAL or ENODEV where it is not incoming and the driver asks.
  [[nodiscard]] int check_retrieve(pcie::Bdf function) const;
  // The function, and bridges with nothing incoming below them any more, stop being incoming.
  void finish(const PciPath& path);
  // Found by the scan and not finished.
  [[nodiscard]] bool is_incoming(pcie::Bdf function) const { return incoming_.count(function) != 0; }
  // Whether it is recorded for the next kernel. Warns once where that can still change.
  [[nodiscard]] bool is_outgoing(pcie::Bdf function) const;
  // Devices in the incoming table that are not finished; 0 where there is no table.
  [[nodiscard]] std::uint32_t incoming_nr_devices();

  // ---- Scan ----
  // Looks the function up in what came in and marks it incoming. Returns whether it is. Throws Panic where the table
  // cannot be used and the rules make that fatal.
  bool setup_device(pcie::Bdf function);
  // The function's kernel object goes away.
  void cleanup_device(const PciPath& path);
  // Whether this kernel's incoming table named a function. True for ever.
  [[nodiscard]] bool had_incoming();
  // The scan comes to a bridge, in pass 0 or 1, below `upstream` (null on a root bus): whether the numbers it has stay,
  // pci=assign-busses or not.
  [[nodiscard]] bool keep_bus_numbers(pcie::Bdf bridge, const pcie::Bdf* upstream, unsigned pass);
  // Pass 0, where numbers are kept: those of this bridge are invalid.
  void note_lost_bus_numbers(pcie::Bdf bridge);
  // Where numbers are kept: whether this bridge must be left without numbers, and nothing below it be enumerated.
  [[nodiscard]] bool refuse_bus_numbers(pcie::Bdf bridge) const;
  void warn_refused_bus_numbers(pcie::Bdf bridge) const;
  // Both passes over this bridge are done.
  void end_bridge_scan(pcie::Bdf bridge);
  // A function whose ACS Control should be adopted needs a quirk and is programmed as ever.
  void warn_acs_fallback(pcie::Bdf function) const;

  // ---- Shutdown ----
  // First thing in the function's shutdown: by the rule, its preservation cannot change from here on.
  void freeze(pcie::Bdf function);

  // ---- Flb ----
  [[nodiscard]] std::string_view compatible() const override { return compatible_of(rules_.compatible); }
  [[nodiscard]] int preserve(std::uint64_t& data) override;
  void unpreserve(std::uint64_t data) override;
  [[nodiscard]] int retrieve(std::uint64_t data) override;
  void finish(std::uint64_t data) override;

  // Functions in the outgoing table, each once.
  [[nodiscard]] unsigned outgoing_devices() const { return outgoing_ ? static_cast<unsigned>(outgoing_->size()) : 0; }

 private:
  [[nodiscard]] bool ask_incoming();
  [[nodiscard]] std::vector<pcie::Bdf> walk(const PciPath& path) const;
  [[nodiscard]] int refusal(const PciPath& path) const;
  [[nodiscard]] int record(pcie::Bdf function, bool counted);
  [[nodiscard]] bool forget(pcie::Bdf function);
  [[nodiscard]] bool recorded(pcie::Bdf function) const;
  void mark_new(pcie::Bdf function) const;
  void finish_path(const PciPath& path);
  void mark(pcie::Step step, std::uint64_t value) const;
  void mark_table(pcie::Step step, PhysicalAddress table) const;
  [[nodiscard]] bool finish_one(pcie::Bdf function);
  void warn(const std::string& sentence) const;

  Kho& kho_;
  Luo& luo_;
  bool supported_;
  PciLiveUpdateRules rules_;
  CountFunctions present_;
  MarkFunction mark_;
  ConsoleLine console_;

  std::optional<PciOutgoingTable> outgoing_;  // while a file is preserved
  std::set<pcie::Bdf> frozen_;
  mutable bool asked_early_ = false;

  std::optional<PciIncomingTable> incoming_table_;  // from retrieve to finish of the FLB
  std::set<pcie::Bdf> incoming_;                    // found by the scan and not finished
  std::set<pcie::Bdf> was_incoming_;                // found by the scan
  std::set<pcie::Bdf> keeps_numbers_;  // functions set up while a table was there, or bridges of the scan under way
  std::set<std::pair<std::uint16_t, std::uint8_t>> lost_buses_;  // segment, bus
  bool had_incoming_ = false;
  bool said_no_entry_ = false;
  bool said_failure_ = false;
};

}  // namespace holdover::host::kernel
