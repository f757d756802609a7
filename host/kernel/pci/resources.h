// SPDX-License-Identifier: MIT
// Address space for BARs and bridge windows: claims what is configured soundly, assigns the rest, programs the bridges.
#pragma once

#include <cstdint>
#include <vector>

#include "host/kernel/pci/pci_bus.h"
#include "host/kernel/pci/pci_device.h"
#include "pcie/units.h"

namespace holdover::host::kernel {

// A range of bus addresses of which parts are taken.
class AddressRange {
 public:
  AddressRange(BusAddress base, Bytes size) : base_(base), size_(size) {}

  // False where it is not wholly inside, or touches something taken.
  bool take(BusAddress base, Bytes size);
  // Lowest free place; `alignment` is a power of two. 0 where there is none.
  [[nodiscard]] BusAddress place(Bytes size, Bytes alignment);

 private:
  struct Taken {
    BusAddress base;
    Bytes size;
  };
  BusAddress base_;
  Bytes size_;
  std::vector<Taken> taken_;  // ascending, disjoint
};

// What the host bridge decodes: below 4 GiB, and for 64-bit prefetchable BARs.
struct HostWindows {
  AddressRange memory;
  AddressRange prefetch;
};

// pcibios_resource_survey() and pci_assign_unassigned_resources(). A tree below one function of the root bus is kept as
// it is where all of it is sound: every BAR assigned, inside the windows above it, without overlap. Otherwise that tree
// is assigned anew. Then every bridge's windows are written, also where they do not change (H095). A BAR for which
// there is no room stays unassigned.
void assign_resources(const PciBus& bus, const HostWindows& windows);

}  // namespace holdover::host::kernel
