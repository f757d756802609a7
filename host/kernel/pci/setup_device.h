// SPDX-License-Identifier: MIT
// What the PCI core does to each function it finds, in the order of Linux 7.3 (hazards H056 to H076): read the header,
// size the BARs, configure, initialise the capabilities.
#pragma once

#include "host/kernel/pci/pci_device.h"
#include "host/kernel/profile.h"

namespace holdover::host::kernel {

// pci_setup_device(), after the Vendor ID was read. False for a header of unknown type.
[[nodiscard]] bool setup_device(PciDevice& device, const Policies& policies);
// pci_configure_device() and pci_init_capabilities(). `incoming`: handed over by the old kernel.
void configure_device(PciDevice& device, const Policies& policies, bool incoming);
// pcie_bus_configure_settings() as pci=pcie_bus_safe: Max Payload Size of a root port and all below it is the smallest
// that one of them supports; no write where it is that already (H062 to H064).
void configure_payload(PciDevice& root_port);

// pci_enable_device(): the bridges above first, which also become bus masters, then D0, decoding on, INTx Disable off.
void enable_device(PciDevice& device);
// pci_set_master() and pci_clear_master(); no write where nothing changes.
void set_bus_master(const PciDevice& device, bool on);

}  // namespace holdover::host::kernel
