// SPDX-License-Identifier: MIT
// Function level reset, with the state of configuration space saved before and restored after it.
#pragma once

#include "host/kernel/pci/pci_device.h"
#include "host/kernel/profile.h"
#include "pcie/platform.h"

namespace holdover::host::kernel {

// pci_wait_for_pending_transaction(): false where the function still waits for completions after 0.1 ms.
bool wait_for_pending(pcie::Platform& platform, const PciDevice& device);

// pci_reset_function() by FLR: saves, disables the function, waits for its transactions, resets, waits as long as the
// function is allowed to take, restores. 0; ENOTTY: it has no FLR (nothing was touched); EIO: it does not answer any
// more. MSI-X is off afterwards.
[[nodiscard]] int reset_function(pcie::Platform& platform, const Policies& policies, PciDevice& device);

}  // namespace holdover::host::kernel
