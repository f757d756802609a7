// SPDX-License-Identifier: MIT
// What the kernel keeps of a function's configuration space over a reset or a low power state (pci_save_state()): the
// header, the controls of the PCI Express capability and ACS Control.
#pragma once

#include <array>
#include <cstdint>

#include "host/kernel/profile.h"
#include "pcie/config_space.h"

namespace holdover::host::kernel {

struct PciDevice;

// Registers of the PCI Express capability that software owns.
inline constexpr std::array kSavedExpressControls{
    pcie::config::kExpressDeviceControl, pcie::config::kExpressLinkControl, pcie::config::kExpressDeviceControl2,
    pcie::config::kExpressLinkControl2};

struct SavedState {
  std::array<std::uint32_t, 16> header{};
  std::array<std::uint16_t, kSavedExpressControls.size()> express{};
  std::uint16_t acs = 0;
};

// Without a PCI Express capability the header alone.
[[nodiscard]] SavedState save_state(const PciDevice& device);
// The header from its end to its beginning, so that COMMAND comes back when the BARs stand; then pci_enable_acs():
// whether ACS Control comes back depends on the rule for it.
void restore_state(PciDevice& device, const Policies& policies, const SavedState& saved);

}  // namespace holdover::host::kernel
