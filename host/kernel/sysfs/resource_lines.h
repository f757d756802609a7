// SPDX-License-Identifier: MIT
// The address ranges of a function as the attribute `resource` lists them (include/linux/ioport.h has the flags).
#pragma once

#include <vector>

#include "host/kernel/pci/pci_device.h"

namespace holdover::host::kernel::sysfs {

struct ResourceLine {
  unsigned long long start = 0;
  unsigned long long end = 0;  // the last address
  unsigned long long flags = 0;
};

// Six BARs, the expansion ROM, six ranges of SR-IOV; of a bridge its I/O, memory and prefetchable window as well, and
// one that only CardBus has. `wide_prefetch`: the prefetchable window takes addresses of 64 bits.
[[nodiscard]] std::vector<ResourceLine> resource_lines(const PciDevice& device, bool wide_prefetch);

}  // namespace holdover::host::kernel::sysfs
