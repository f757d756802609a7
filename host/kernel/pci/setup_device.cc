// SPDX-License-Identifier: MIT
#include "host/kernel/pci/setup_device.h"

#include "host/kernel/pci/bars.h"
#include "pcie/config_space.h"

namespace holdover::host::kernel {
namespace {

using namespace pcie::config;

// pci_intx_mask_broken(): INTx Disable is inverted and restored to see whether it exists (H056).
void probe_intx_disable(const ConfigAccess& config) {
  const std::uint16_t original = config.read16(kCommand);
  config.write16(kCommand, original ^ kCommandIntxDisable);
  (void)config.read16(kCommand);
  config.write16(kCommand, original);
}

}  // namespace

bool setup_device(PciDevice& device, const Policies& policies) {
  const ConfigAccess& config = device.config;
  const std::uint8_t header = config.read8(kHeaderType);
  device.multifunction = (header & 0x80) != 0;
  device.bridge = (header & 0x7f) == 1;
  if ((header & 0x7f) > 1) return false;
  device.express = config.capability(kCapExpress);
  if (device.express != 0) {
    device.port_type = (config.read16(device.express + kExpressFlags) >> 4) & 0xf;
  }
  if (policies.retry_visibility == RetryVisibility::Setup) show_retry_status(device);
  const std::uint32_t identity = config.read32(kRevision);
  device.class_code = identity >> 8;
  device.revision = static_cast<std::uint8_t>(identity);
  const std::uint32_t beyond = config.read32(0x100);
  device.extended_space = device.express != 0 && beyond != 0xffff'ffff;
  probe_intx_disable(config);
  size_bars(device, policies.bar_sizing, policies.mistakes.bar_restore_lost && !device.bridge);
  if (device.bridge) probe_windows(device);
  return true;
}

void show_retry_status(const PciDevice& device) {
  if (!device.root_port()) return;
  const unsigned express = device.express;
  if ((device.config.read16(express + kExpressRootCapabilities) & kRootCapabilitiesRetryVisibility) == 0) return;
  device.config.change16(express + kExpressRootControl, 0, kRootControlRetryVisibility);
}

}  // namespace holdover::host::kernel
