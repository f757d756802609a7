// SPDX-License-Identifier: MIT
// The driver of PCI Express ports (pcie/portdrv.c): enables the port, gives it one interrupt for all of its services,
// and starts them; at shutdown the way back (H017, H101, H102, H108).
#pragma once

#include <string>
#include <string_view>

#include "host/kernel/irq/interrupts.h"
#include "host/kernel/pci/msi.h"
#include "host/kernel/pci/msix.h"
#include "host/kernel/pci/pci_device.h"
#include "host/kernel/pci/port_services.h"
#include "host/kernel/profile.h"
#include "pcie/platform.h"

namespace holdover::host::kernel {

inline constexpr std::string_view kPortDriverName = "pcieport";

class PortDriver {
 public:
  // All outlive the driver. Touches nothing.
  PortDriver(pcie::Platform& platform, Interrupts& interrupts, const Policies& policies, PciDevice& port);
  ~PortDriver();
  PortDriver(const PortDriver&) = delete;
  PortDriver& operator=(const PortDriver&) = delete;

  // pcie_portdrv_probe(): a port without services is enabled and no bus master; one that has services and no way to
  // interrupt is disabled again (H101).
  void probe();
  // pcie_portdrv_shutdown(): services removed in the order in which they were added, interrupt off. Bus mastering is
  // left to pci_device_shutdown().
  void shutdown();

  [[nodiscard]] MessageInterrupts messages() const;
  // Since the probe.
  [[nodiscard]] const RootErrors& errors() const { return errors_; }

 private:
  // pcie_port_enable_irq_vec(): MSI-X with every vector first, then with as many as the services use; otherwise MSI.
  // The platform has no INTx. False: no interrupt.
  [[nodiscard]] bool enable_interrupts();
  void disable_interrupts();
  void take_interrupt();
  // At most ten lines in five seconds, as aer_ratelimit().
  void print(const std::string& sentence);

  pcie::Platform& platform_;
  Interrupts& interrupts_;
  const Policies& policies_;
  PciDevice& port_;
  PortServices services_;
  Msix msix_;
  Msi msi_;
  RootErrors errors_;
  bool running_ = false;
  bool handling_ = false;
  bool again_ = false;
  Time printing_since_;
  unsigned printed_ = 0;
};

}  // namespace holdover::host::kernel
