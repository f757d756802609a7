// SPDX-License-Identifier: MIT
// The PCI core: scans segment 0 with configuration cycles and keeps the tree it finds.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "host/kernel/pci/pci_device.h"
#include "host/kernel/profile.h"
#include "pcie/platform.h"

namespace holdover::host::kernel {

class PciLiveUpdate;

class PciBus {
 public:
  // `live_update` is null where the kernel has no PCI live update. All outlive it. Touches nothing.
  // `phase` is where the kernel is for the instrumentation port.
  PciBus(pcie::Platform& platform, const Policies& policies, PciLiveUpdate* live_update, unsigned last_bus,
         pcie::Phase phase);

  // pci_scan_root_bus(): everything below the host bridge, bus numbers included.
  void scan();
  // pci_rescan_bus() on the root bus: functions that are there by now are added. Where a bridge gets other numbers,
  // what is below it is found as new, and the objects of what was below it stay.
  void rescan();

  [[nodiscard]] const std::vector<std::unique_ptr<PciDevice>>& root_devices() const { return roots_; }
  // In the order in which the kernel adds them: all functions of a bus, then what is below its first bridge, and so on.
  // Drivers match in this order, and its reverse is that of device_shutdown().
  void for_each(const std::function<void(PciDevice&)>& visit) const;
  // Null where the scan found none.
  [[nodiscard]] PciDevice* find(pcie::Bdf bdf) const;
  // Handed over by the old kernel and not finished.
  [[nodiscard]] bool incoming(const PciDevice& device) const;

 private:
  using Siblings = std::vector<std::unique_ptr<PciDevice>>;

  // Highest bus number in use at and below `bus` when it returns.
  unsigned scan_bus(unsigned bus, PciDevice* upstream, Siblings& found);
  void scan_slot(unsigned bus, unsigned slot, PciDevice* upstream, Siblings& found);
  [[nodiscard]] std::unique_ptr<PciDevice> scan_function(pcie::Bdf bdf, PciDevice* upstream);
  unsigned scan_bridge(PciDevice& bridge, unsigned highest, unsigned pass);
  [[nodiscard]] bool keeps_numbers(const PciDevice& bridge, unsigned pass);
  unsigned number_bridge(PciDevice& bridge, unsigned highest);
  void reset_secondary_bus(const PciDevice& bridge, std::uint16_t control);

  pcie::Platform& platform_;
  const Policies& policies_;
  PciLiveUpdate* live_update_;
  unsigned last_bus_;
  pcie::Phase phase_;
  unsigned retired_ = 0;    // highest number taken from a bridge in order to number it anew
  bool bus_reset_ = false;  // mistake H121 was made
  Siblings roots_;
  Siblings orphans_;  // were below bridges that a rescan numbered anew: nothing answers at their addresses
};

}  // namespace holdover::host::kernel
