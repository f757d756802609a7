// SPDX-License-Identifier: MIT
// The PCI core's part in a live update, as in version 9 of the series: which functions (and bridges above them) are
// handed over, and which were. Verbs return 0 or a positive errno.
//
// Who calls what: drivers' file handlers preserve, unpreserve, finish; the scan setup_device (before it writes anything
// to the function), had_incoming, note_lost_bus_numbers, refuse_bus_numbers; shutdown freeze and is_outgoing.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "host/kernel/kho/block_set.h"
#include "host/kernel/kho/kho.h"
#include "host/kernel/luo/file_handler.h"
#include "host/kernel/pci/liveupdate_abi.h"
#include "pcie/bdf.h"
#include "pcie/instrument.h"

namespace holdover::host::kernel {

class Luo;

// A function as the PCI core knows it when a driver reports it.
struct PciPath {
  pcie::Bdf function;
  std::vector<pcie::Bdf> bridges;  // upstream, nearest first, up to the root port
  bool virtual_function = false;   // an SR-IOV VF
  bool acs_quirk = false;          // it or a bridge above needs device-specific ACS handling
};

// Tells the bench (through the instrumentation port) which function was recorded or finished.
using MarkFunction = std::function<void(pcie::Step, std::uint64_t)>;

class PciLiveUpdate : public Flb {
 public:
  // `kho` and `luo` outlive it. Where `supported` is false (a kernel without the series) nothing is ever incoming or
  // outgoing and preserve answers EOPNOTSUPP.
  PciLiveUpdate(Kho& kho, Luo& luo, bool supported, MarkFunction mark, ConsoleLine console);

  // Ties the PCI FLB to a registered handler; the errors of Luo::register_flb.
  [[nodiscard]] int register_flb(FileHandler& handler);

  // ---- Drivers ----
  // Records the function and every bridge above it. EOPNOTSUPP; EINVAL: VF, ACS quirk, after freeze(); ENOENT: no file
  // of a handler with the PCI FLB is being preserved; EBUSY: recorded already; ENOMEM, ENOSPC. All or nothing.
  [[nodiscard]] int preserve(const PciPath& path);
  void unpreserve(const PciPath& path);
  // The function, and bridges with nothing incoming below them any more, stop being incoming.
  void finish(const PciPath& path);
  // Found by the scan and not finished.
  [[nodiscard]] bool is_incoming(pcie::Bdf function) const { return incoming_.count(function) != 0; }
  [[nodiscard]] bool is_outgoing(pcie::Bdf function) const { return outgoing_.count(function) != 0; }

  // ---- Scan ----
  // Looks the function up in what came in and marks it incoming. Returns whether it is. Throws Panic where the table
  // cannot be used: a normal boot could renumber or reset a device that does DMA.
  bool setup_device(pcie::Bdf function);
  // The function's kernel object goes away; warns where it is incoming or outgoing.
  void cleanup_device(pcie::Bdf function);
  // Whether this kernel came with PCI devices: then the scan never renumbers a bridge whose numbers are valid. True for
  // ever.
  [[nodiscard]] bool had_incoming();
  // First pass of the scan: the numbers of this bridge are invalid. Where it is incoming, no bridge on its bus may get
  // numbers.
  void note_lost_bus_numbers(pcie::Bdf bridge);
  // Second pass: whether this bridge must be left without numbers, and nothing below it be enumerated.
  [[nodiscard]] bool refuse_bus_numbers(pcie::Bdf bridge) const;

  // ---- Shutdown ----
  // From here on the function's preservation cannot change. First thing in the function's shutdown.
  void freeze(pcie::Bdf function);

  // ---- Flb ----
  [[nodiscard]] std::string_view compatible() const override { return pci_abi::kCompatible; }
  [[nodiscard]] int preserve(std::uint64_t& data) override;
  void unpreserve(std::uint64_t data) override;
  [[nodiscard]] int retrieve(std::uint64_t data) override;
  void finish(std::uint64_t data) override;

  // Functions in the outgoing table, each once.
  [[nodiscard]] unsigned outgoing_devices() const { return static_cast<unsigned>(outgoing_.size()); }

 private:
  [[nodiscard]] bool ask_incoming();
  [[nodiscard]] int record(pcie::Bdf function, bool endpoint);
  [[nodiscard]] bool forget(pcie::Bdf function);
  void mark_new(pcie::Bdf function) const;
  [[nodiscard]] bool finish_one(pcie::Bdf function);
  void write_header();
  void warn(const std::string& sentence) const;

  Kho& kho_;
  Luo& luo_;
  bool supported_;
  MarkFunction mark_;
  ConsoleLine console_;

  PhysicalAddress table_;  // PciSer of this kernel, 0 while nothing is preserved
  std::optional<BlockSet> entries_;
  std::map<pcie::Bdf, std::uint64_t> outgoing_;  // index of the entry
  std::vector<std::uint64_t> free_slots_;
  std::set<pcie::Bdf> frozen_;

  std::optional<BlockSet> incoming_entries_;
  std::map<pcie::Bdf, std::uint64_t> incoming_table_;            // index of the entry, until finish
  std::set<pcie::Bdf> incoming_;                                 // found by the scan
  std::set<std::pair<std::uint16_t, std::uint8_t>> lost_buses_;  // segment, bus
  bool had_incoming_ = false;
};

}  // namespace holdover::host::kernel
