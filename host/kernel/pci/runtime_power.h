// SPDX-License-Identifier: MIT
// Runtime power management of a function between D0 and D3hot (pci_pm_runtime_suspend(), pci_pm_runtime_resume()).
#pragma once

#include "host/kernel/pci/pci_device.h"
#include "host/kernel/profile.h"
#include "pcie/platform.h"

namespace holdover::host::kernel {

// D-state that the function is in, 0 where it has no power management.
[[nodiscard]] unsigned power_state(const PciDevice& device);
// Keeps its state and puts it into D3hot. Nothing for a function without power management, or one that sleeps already.
void suspend(pcie::Platform& platform, const Policies& policies, PciDevice& device);
// Back to D0, with what suspend() kept. Nothing for a function that suspend() did not put to sleep.
void resume(pcie::Platform& platform, const Policies& policies, PciDevice& device);

}  // namespace holdover::host::kernel
