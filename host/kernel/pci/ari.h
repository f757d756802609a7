// SPDX-License-Identifier: MIT
// Alternative Routing-ID Interpretation: functions above 7 behind a port that forwards them (PCIe 5.0, 6.13).
#pragma once

#include "host/kernel/pci/pci_device.h"
#include "host/kernel/profile.h"

namespace holdover::host::kernel {

// pci_configure_ari(), when function 0 behind a bridge has been found: ARI Forwarding Enable of that bridge. An
// incoming bridge is believed by the rule, with pci=noari as well: functions above 7 would change their address.
void configure_ari(const PciDevice& device, const Policies& policies);

}  // namespace holdover::host::kernel
