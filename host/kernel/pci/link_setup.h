// SPDX-License-Identifier: MIT
// What the PCI core does to the link below a port once the slot at its other end is scanned (pcie/aspm.c).
#pragma once

#include <memory>
#include <vector>

#include "host/kernel/pci/pci_device.h"
#include "host/kernel/profile.h"
#include "pcie/platform.h"

namespace holdover::host::kernel {

// pcie_aspm_init_link_state() under the default policy: the common clock is configured, with a retraining of the link
// where that changes or the ends have no common clock (H089); ASPM states stay as found (H090). Nothing where one end
// has no ASPM, or the port is no downstream port. `below`: the functions of the slot, not empty.
void init_link(pcie::Platform& platform, const Policies& policies, const PciDevice& port,
               const std::vector<std::unique_ptr<PciDevice>>& below);

}  // namespace holdover::host::kernel
