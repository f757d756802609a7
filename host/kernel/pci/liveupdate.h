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
#include <utility>
#include <vector>

#include "host/kernel/kho/block_set.h"
#include "host/kernel/kho/kho.h"
#include "host/kernel/luo/file_handler.h"
#include "host/kernel/pci/liveupdate_abi.h"
#include "host/kernel/pci/pci_device.h"
#include "pcie/bdf.h"
#include "pcie/instrument.h"

namespace holdover::host::kernel {

class Luo;

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
  // Records the function and every bridge above it. EOPNOTSUPP; EINVAL: after freeze(); ENOENT: no file of a handler
  // with the PCI FLB is being preserved; EBUSY: recorded already; ENOMEM, ENOSPC. All or nothing.
  [[nodiscard]] int preserve(PciDevice& device);
  void unpreserve(PciDevice& device);
  // The function, and bridges with nothing incoming below them any more, stop being incoming.
  void finish(PciDevice& device);
  // The same for a function that the scan did not find: only its entry is finished.
  void finish(pcie::Bdf gone);
  [[nodiscard]] bool is_incoming(const PciDevice& device) const { return device.incoming; }
  // Warns when asked before freeze(): the answer can still change then.
  [[nodiscard]] bool is_outgoing(const PciDevice& device) const;

  // ---- Scan ----
  // Looks the function up in what came in and sets device.incoming. Throws Panic where the table cannot be used: a
  // normal boot could renumber or reset a device that does DMA.
  void setup_device(PciDevice& device);
  // The function's kernel object goes away; warns where it is incoming or outgoing.
  void cleanup_device(const PciDevice& device);
  // Whether this kernel came with PCI devices: then the scan never renumbers a bridge whose numbers are valid. True for
  // ever.
  [[nodiscard]] bool had_incoming();
  // First pass of the scan: the numbers of this bridge are invalid. Where it is incoming, no bridge on its bus may get
  // numbers.
  void note_lost_bus_numbers(const PciDevice& bridge);
  // Second pass: whether this bridge must be left without numbers, and nothing below it be enumerated.
  [[nodiscard]] bool refuse_bus_numbers(const PciDevice& bridge) const;

  // ---- Shutdown ----
  // From here on the function's preservation cannot change. First thing in the function's shutdown.
  void freeze(PciDevice& device);

  // ---- Flb ----
  [[nodiscard]] std::string_view compatible() const override { return pci_abi::kCompatible; }
  [[nodiscard]] int preserve(std::uint64_t& data) override;
  void unpreserve(std::uint64_t data) override;
  [[nodiscard]] int retrieve(std::uint64_t data) override;
  void finish(std::uint64_t data) override;

  // Outgoing table: entries with a count above 0.
  [[nodiscard]] unsigned outgoing_devices() const { return static_cast<unsigned>(outgoing_.size()); }

 private:
  [[nodiscard]] int record(PciDevice& device, bool endpoint);
  [[nodiscard]] bool forget(PciDevice& device);
  [[nodiscard]] bool ask_incoming();
  [[nodiscard]] bool finish_one(pcie::Bdf function);
  void write_count();
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

  std::optional<BlockSet> incoming_entries_;
  std::map<pcie::Bdf, std::uint64_t> incoming_;                  // index of the entry, until finish
  std::set<std::pair<std::uint16_t, std::uint8_t>> lost_buses_;  // segment, bus
  bool had_incoming_ = false;
};

}  // namespace holdover::host::kernel
