// SPDX-License-Identifier: MIT
// The binary attributes of a PCI function: configuration space and BARs (drivers/pci/pci-sysfs.c).
#pragma once

#include "host/kernel/pci/pci_device.h"
#include "host/kernel/sysfs/node.h"
#include "pcie/platform.h"

namespace holdover::host::kernel::sysfs {

// `config`: pci_read_config() and pci_write_config(). One cycle for a naturally aligned access of 1, 2 or 4 bytes, and
// for any other a byte, a word, double words, a word and a byte, as far as its ends need them. `device` outlives it.
[[nodiscard]] Binary config_attribute(PciDevice& device);

// `resourceN`: one load or store for 1, 2, 4 or 8 bytes, naturally aligned; EINVAL for anything else. Linux offers
// memory BARs to mmap() alone, which no file system in user space can pass on; what it does with port BARs
// (pci_resource_io()) is done with memory here. Both outlive it. Contract: the BAR is assigned.
[[nodiscard]] Binary resource_attribute(pcie::Platform& platform, PciDevice& device, unsigned bar);

}  // namespace holdover::host::kernel::sysfs
