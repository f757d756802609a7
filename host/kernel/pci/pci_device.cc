// SPDX-License-Identifier: MIT
#include "host/kernel/pci/pci_device.h"

#include "host/kernel/pci/liveupdate.h"
#include "pcie/config_space.h"

namespace holdover::host::kernel {

using namespace pcie::config;

bool PciDevice::incoming() const { return live_update != nullptr && live_update->is_incoming(bdf); }

bool PciDevice::express_port() const { return bridge && express != 0; }

bool PciDevice::root_port() const { return express_port() && port_type == kPortTypeRootPort; }

bool PciDevice::downstream_port() const {
  return express_port() && (port_type == kPortTypeRootPort || port_type == kPortTypeSwitchDownstream);
}

bool PciDevice::messages_allowed() const {
  if (no_messages) return false;
  for (const PciDevice* above = upstream; above != nullptr; above = above->upstream) {
    if (above->no_messages_below) return false;
  }
  return true;
}

}  // namespace holdover::host::kernel
