// SPDX-License-Identifier: MIT
// The services of a PCI Express port: power management events, error reporting, containment, link bandwidth. Each does
// to the port's registers what Linux' service driver does when it is probed, removed or interrupted.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "host/kernel/pci/pci_device.h"
#include "host/kernel/profile.h"
#include "pcie/platform.h"

namespace holdover::host::kernel {

// What a port can do; the order is that of probing and of removal.
struct PortServices {
  bool power_events = false;     // pcie/pme.c, root ports
  bool error_reporting = false;  // pcie/aer.c, root ports with AER
  bool containment = false;      // pcie/dpc.c, where error_reporting is there too
  bool bandwidth = false;        // pcie/bwctrl.c; before 6.13 a service without a driver

  [[nodiscard]] bool any() const { return power_events || error_reporting || containment || bandwidth; }
};

// get_port_device_capability(): the PME interrupt that firmware may have left on goes off on the way. Slots that can be
// hot-plugged are left alone: no port of the machine has one.
[[nodiscard]] PortServices find_services(const PciDevice& port, const Policies& policies);
// Highest message number that the services use (pcie_message_numbers()).
[[nodiscard]] unsigned highest_message(const PciDevice& port, const PortServices& services);

void start_services(const PciDevice& port, const PortServices& services, const Policies& policies);
void stop_services(const PciDevice& port, const PortServices& services, const Policies& policies);

// Error messages that arrived at a root port (pci_rootport_aer_stats_incr()).
struct RootErrors {
  std::uint64_t correctable = 0;
  std::uint64_t fatal = 0;
  std::uint64_t non_fatal = 0;
};

// The port's interrupt: Root Error Status, DPC Status and Link Status are read and what is set is cleared; error
// sources are counted and named on the console, as is containment. A port that contains is released again.
void handle_interrupt(pcie::Platform& platform, const PciDevice& port, const PortServices& services,
                      const Policies& policies, RootErrors& errors,
                      const std::function<void(const std::string&)>& print);

}  // namespace holdover::host::kernel
