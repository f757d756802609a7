// SPDX-License-Identifier: MIT
// What the PCI core knows of a function and of the way up to its root port.
#pragma once

#include "host/kernel/pci/liveupdate.h"
#include "host/kernel/pci/pci_device.h"

namespace holdover::host::kernel {

// The function, the bridges above it, nearest first, and what configuration space says of them. Virtual functions are
// never among those that a scan finds: their Vendor ID reads as absent (PCIe 5.0, 9.3.4.1.1).
[[nodiscard]] PciPath path_to(const PciDevice& device);

}  // namespace holdover::host::kernel
