// SPDX-License-Identifier: MIT
// Sizing of base address registers and probing of bridge windows (H057 to H061).
#pragma once

#include "host/kernel/pci/pci_device.h"
#include "host/kernel/profile.h"

namespace holdover::host::kernel {

// pci_read_bases(): decoding off where it is on, every BAR all ones and back, the ROM BAR likewise, decoding on again;
// once for all of them or for each BAR, as the policy says. `forget_first`: the mistake H058, BAR 0 of a function is
// not written back.
void size_bars(PciDevice& device, BarSizing sizing, bool forget_first);

// pci_read_bridge_windows(): which optional windows the bridge has, and what the windows are now.
void probe_windows(PciDevice& device);

// pci_std_update_resource(): writes an assigned BAR, with memory decoding off meanwhile where it is 64 bits wide
// (H094).
void write_bar(PciDevice& device, unsigned index);

// pcibios_allocate_dev_resources(): Enable of a ROM BAR that the scan found on goes off (H099).
void disable_rom(const PciDevice& device);

}  // namespace holdover::host::kernel
