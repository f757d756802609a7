// SPDX-License-Identifier: MIT
// Speeds and widths of links as sysfs writes them (drivers/pci/probe.c, pci.c).
#pragma once

#include <string>

#include "host/kernel/pci/pci_device.h"

namespace holdover::host::kernel::sysfs {

// «8.0 GT/s PCIe», or «Unknown». `code` is the encoding of Link Status and Link Capabilities.
[[nodiscard]] std::string speed_name(unsigned code);
// pcie_get_speed_cap(): the fastest that the function supports, as such a code; 0: unknown.
[[nodiscard]] unsigned fastest_speed(const PciDevice& device);

}  // namespace holdover::host::kernel::sysfs
