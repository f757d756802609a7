// SPDX-License-Identifier: MIT
// Access Control Services: which functions may send to each other past the IOMMU (pci.c, quirks.c; PCIe 5.0, 7.7.8).
#pragma once

#include "host/kernel/pci/pci_device.h"
#include "host/kernel/profile.h"

namespace holdover::host::kernel {

// pci_acs_init(): finds the capability, and what a function was found with.
void init_acs(PciDevice& device);

// pci_enable_acs(), at driver match and after a restore. A function that was handed over keeps what the rule says.
void enable_acs(PciDevice& device, const Policies& policies);

// Whether isolation needs registers of this very device instead of an ACS capability (pci_dev_acs_ops).
[[nodiscard]] bool needs_acs_quirk(const PciDevice& device);

// pci_acs_enabled() for source validation, redirection and upstream forwarding, as far as the port has them. Reads
// nothing: it goes by what this kernel found or wrote.
[[nodiscard]] bool acs_isolates(const PciDevice& port);

}  // namespace holdover::host::kernel
