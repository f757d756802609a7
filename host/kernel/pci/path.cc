// SPDX-License-Identifier: MIT
#include "host/kernel/pci/path.h"

#include "host/kernel/pci/acs.h"

namespace holdover::host::kernel {

PciPath path_to(const PciDevice& device) {
  PciPath path;
  path.function = device.bdf;
  path.bridge = device.bridge;
  path.physical_function = device.sriov != 0;
  path.acs_quirk = needs_acs_quirk(device);
  // pci_device_group(): functions share a group where one of them, or a port above, lets them reach each other.
  path.singleton_group = !device.multifunction || acs_isolates(device);
  const PciDevice* last = &device;
  for (const PciDevice* bridge = device.upstream; bridge != nullptr; bridge = bridge->upstream) {
    path.bridges.push_back(bridge->bdf);
    path.acs_quirk = path.acs_quirk || needs_acs_quirk(*bridge);
    if (bridge->downstream_port() && !acs_isolates(*bridge)) path.singleton_group = false;
    last = bridge;
  }
  path.reaches_root = last->bdf.bus == 0;
  return path;
}

}  // namespace holdover::host::kernel
