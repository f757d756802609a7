// SPDX-License-Identifier: MIT
// Programs the address windows of a bridge.
#pragma once

#include "host/kernel/pci/pci_device.h"

namespace holdover::host::kernel {

inline constexpr Bytes kWindowGranule = 1_MiB;

// pci_setup_bridge(): I/O, memory, prefetchable, Bridge Control, in that order, also of windows that the bridge does
// not have. The prefetchable window is closed for a moment even where it does not change (H095).
void write_windows(PciDevice& bridge);

}  // namespace holdover::host::kernel
