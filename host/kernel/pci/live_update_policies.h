// SPDX-License-Identifier: MIT
// The rules of the PCI core series as policies «pci-…».
#pragma once

#include <span>

#include "host/kernel/policy.h"

namespace holdover::host::kernel {

// One for each field of PciLiveUpdateRules, in the order of the fields.
[[nodiscard]] std::span<const Policy> pci_live_update_policies();

}  // namespace holdover::host::kernel
