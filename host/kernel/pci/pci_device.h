// SPDX-License-Identifier: MIT
// What this kernel knows about one PCI function that its scan found (struct pci_dev), and the tree they form.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/kernel/pci/config_access.h"
#include "host/kernel/pci/saved_state.h"
#include "pcie/bdf.h"
#include "pcie/units.h"

namespace holdover::host::kernel {

class PciDriver;
class PciLiveUpdate;
class PortDriver;
class VfioDevice;

struct Bar {
  Bytes size{0};          // 0: not implemented, or the upper half of the BAR before it
  BusAddress address{0};  // 0: not assigned
  bool io = false;
  bool wide = false;  // 64 bits: takes the next register too
  bool prefetchable = false;
  bool assigned = false;  // address is one that this function decodes
};

// A bridge window; empty where size is 0.
struct Window {
  BusAddress base{0};
  Bytes size{0};
  bool implemented = false;
};

struct PciDevice {
  PciDevice(pcie::Platform& platform, pcie::Bdf address) : bdf(address), config(platform, address) {}

  pcie::Bdf bdf;
  ConfigAccess config;
  PciDevice* upstream = nullptr;  // the bridge above; null on the root bus

  std::uint16_t vendor_id = 0;
  std::uint16_t device_id = 0;
  std::uint32_t class_code = 0;  // 24 bits
  std::uint8_t revision = 0;
  bool bridge = false;  // Type 1 header
  bool multifunction = false;
  bool extended_space = false;  // answers beyond offset 256
  unsigned port_type = 0;       // pcie::config::kPortType*, where express != 0

  // Offsets of capabilities, 0 where there is none.
  unsigned express = 0;
  unsigned msix = 0;
  unsigned msi = 0;
  unsigned power_management = 0;
  unsigned acs = 0;
  unsigned sriov = 0;
  unsigned aer = 0;
  unsigned dpc = 0;

  std::array<Bar, 6> bars{};
  Bytes rom_size{0};
  bool rom_enabled = false;  // as found by the scan

  // Bridges only.
  Window memory_window;
  Window prefetch_window;
  bool io_window = false;
  std::uint16_t bridge_control = 0;  // as found by the scan
  std::uint8_t secondary = 0;        // 0: has no bus below
  std::uint8_t subordinate = 0;
  std::vector<std::unique_ptr<PciDevice>> children;

  PciLiveUpdate* live_update = nullptr;  // null where the kernel has none
  bool was_incoming = false;             // handed over by the old kernel, finished or not
  std::uint16_t adopted_acs = 0;         // ACS Control of an incoming function as found, where acs != 0
  std::uint16_t acs_possible = 0;        // isolation that the function can do, where acs != 0
  std::uint16_t acs_control = 0;         // ACS Control as this kernel knows it
  bool ari_enabled = false;              // bridges: ARI Forwarding Enable, as this kernel knows it
  bool enabled = false;                  // pci_enable_device() was done by this kernel
  std::optional<SavedState> suspended;   // this kernel has it in D3hot (pci/runtime_power.h)
  PciDriver* driver = nullptr;           // bound
  std::string driver_override;           // name of the only driver that may bind; empty: any that matches
  bool probed = false;                   // by that driver, or retrieved
  VfioDevice* open = nullptr;            // the VFIO device file, while it is open
  bool power_known = false;              // in D0, and this kernel knows it
  bool bus_master = false;               // pci_set_master() was done by this kernel
  bool latency_path = false;             // LTR messages of this function reach the root port
  PortDriver* port_driver = nullptr;     // of an Express port, once it is bound
  bool no_messages = false;              // MSI and MSI-X are denied to it (dev->no_msi)
  bool no_messages_below = false;        // bridges: to all on the bus below (PCI_BUS_FLAGS_NO_MSI)
  bool link_set_up = false;              // downstream ports: pcie_aspm_init_link_state() was done

  // Handed over by the old kernel and not finished.
  [[nodiscard]] bool incoming() const;
  // Root port or switch port.
  [[nodiscard]] bool express_port() const;
  // Root port or switch downstream port: has a link below it, with one device at its end.
  [[nodiscard]] bool downstream_port() const;
  [[nodiscard]] bool root_port() const;
  // pci_msi_supported(): neither the function nor a bus above it is denied MSI and MSI-X.
  [[nodiscard]] bool messages_allowed() const;
};

}  // namespace holdover::host::kernel
