// SPDX-License-Identifier: MIT
// What the PCI core does to each function it finds, in the order of Linux (hazards H056 to H081): read the header, size
// the BARs, configure, initialise the capabilities; and how drivers enable it later. Differences between kernels are
// policies.
#pragma once

#include "host/kernel/pci/pci_device.h"
#include "host/kernel/profile.h"

namespace holdover::host::kernel {

// pci_setup_device(), after the Vendor ID was read. False for a header of unknown type.
[[nodiscard]] bool setup_device(PciDevice& device, const Policies& policies);
// pci_enable_rrs_sv(): Request Retry Status becomes visible to software, of root ports that can show it (H054).
void show_retry_status(const PciDevice& device);

// pci_configure_device(): Max Payload Size, extended tags, LTR, SERR# forwarding, Read Completion Boundary (H062 to
// H069). The function above was configured before.
void configure_device(PciDevice& device);
// pci_init_capabilities(): MSI and MSI-X off, power management, ARI, ACS, AER (H072 to H081).
void init_capabilities(PciDevice& device, const Policies& policies);
// pci_aer_raw_clear_status(): what is set is written back, in a root port Root Error Status first.
void clear_error_status(const PciDevice& device);

// pci_enable_device(): the bridges above first, which also become bus masters, then D0, decoding on, and INTx Disable
// off where the function has an interrupt pin and neither MSI nor MSI-X.
void enable_device(PciDevice& device);
// pci_disable_device(): not a bus master any more.
void disable_device(PciDevice& device);
// pci_set_master() and pci_clear_master(); no write where nothing changes.
void set_bus_master(PciDevice& device, bool on);
// pci_intx(); no write where nothing changes.
void set_intx_disable(const PciDevice& device, bool on);

}  // namespace holdover::host::kernel
