// SPDX-License-Identifier: MIT
#include "host/kernel/pci/setup_device.h"

#include <algorithm>

#include "host/kernel/pci/acs.h"
#include "host/kernel/pci/ari.h"
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

void configure_extended_tags(const PciDevice& device) {
  constexpr std::uint32_t kSupported = 1u << 5;
  if ((device.config.read32(device.express + kExpressDeviceCapabilities) & kSupported) == 0) return;
  const unsigned offset = device.express + kExpressDeviceControl;
  const std::uint16_t control = device.config.read16(offset);
  if ((control & kDeviceControlExtendedTag) != 0) return;
  device.config.write16(offset, control | kDeviceControlExtendedTag);
}

// pci_configure_rcb(): bit 3 is copied from the root port, and the register written even where nothing changes (H068).
void configure_completion_boundary(const PciDevice& device) {
  if (device.port_type == kPortTypeRootPort || device.bridge) return;
  const PciDevice* root = device.upstream;
  while (root != nullptr && root->upstream != nullptr) root = root->upstream;
  if (root == nullptr || root->express == 0) return;
  const std::uint16_t above = root->config.read16(root->express + kExpressLinkControl);
  const std::uint16_t own = device.config.read16(device.express + kExpressLinkControl);
  device.config.write16(device.express + kExpressLinkControl,
                        static_cast<std::uint16_t>((own & ~kLinkControlRcb) | (above & kLinkControlRcb)));
}

// pci_pm_init(): PME Status cleared, PME Enable off (H074); a function that is not in D0 is powered up (H075).
void init_power_management(const PciDevice& device) {
  const unsigned offset = device.power_management + kPmControl;
  std::uint16_t control = device.config.read16(offset);
  if ((control & kPmStateMask) != 0) {
    control = static_cast<std::uint16_t>(control & ~(kPmStateMask | kPmPmeStatus));
    device.config.write16(offset, control);
  }
  const std::uint16_t capabilities = device.config.read16(device.power_management + 2);
  if ((capabilities >> 11) == 0) return;  // PME from no state
  device.config.write16(offset, static_cast<std::uint16_t>((control | kPmPmeStatus) & ~kPmPmeEnable));
}

unsigned smallest_payload(const PciDevice& device) {
  unsigned smallest = 5;
  if (device.express != 0) smallest = device.config.read32(device.express + kExpressDeviceCapabilities) & 7;
  for (const auto& child : device.children) smallest = std::min(smallest, smallest_payload(*child));
  return smallest;
}

void write_payload(const PciDevice& device, unsigned wanted) {
  if (device.express != 0) {
    const unsigned offset = device.express + kExpressDeviceControl;
    const std::uint16_t old = device.config.read16(offset);
    const auto control = static_cast<std::uint16_t>((old & ~kDeviceControlMaxPayload) | wanted << 5);
    if (control != old) device.config.write16(offset, control);
  }
  for (const auto& child : device.children) write_payload(*child, wanted);
}

void enable_command_bits(const PciDevice& device, std::uint16_t set, std::uint16_t clear) {
  const std::uint16_t old = device.config.read16(kCommand);
  const std::uint16_t wanted = static_cast<std::uint16_t>((old | set) & ~clear);
  if (wanted != old) device.config.write16(kCommand, wanted);
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
  device.class_code = config.read32(kRevision) >> 8;
  const std::uint32_t beyond = config.read32(0x100);
  device.extended_space = device.express != 0 && beyond != 0xffff'ffff;
  probe_intx_disable(config);
  size_bars(device, policies.mistakes.bar_restore_lost && !device.bridge);
  if (device.bridge) probe_windows(device);
  return true;
}

void configure_device(PciDevice& device, const Policies& policies, bool incoming) {
  const ConfigAccess& config = device.config;
  if (device.express != 0) {
    configure_extended_tags(device);
    configure_completion_boundary(device);
  }
  device.msi = config.capability(kCapMsi);
  if (device.msi != 0) {
    const std::uint16_t control = config.read16(device.msi + 2);
    if ((control & 1) != 0 && !(incoming && policies.msix_at_init == MsixAtInit::KeepIncoming)) {
      config.write16(device.msi + 2, static_cast<std::uint16_t>(control & ~1u));
    }
  }
  device.msix = config.capability(kCapMsix);
  if (device.msix != 0) {
    const std::uint16_t control = config.read16(device.msix + kMsixControl);
    if ((control & kMsixControlEnable) != 0 && !(incoming && policies.msix_at_init == MsixAtInit::KeepIncoming)) {
      config.write16(device.msix + kMsixControl, static_cast<std::uint16_t>(control & ~kMsixControlEnable));
    }
  }
  device.power_management = config.capability(kCapPowerManagement);
  if (device.power_management != 0) init_power_management(device);
  configure_ari(device, policies);
  if (device.extended_space) device.sriov = config.extended_capability(kExtCapSriov);
  init_acs(device);
}

void configure_payload(PciDevice& root_port) { write_payload(root_port, smallest_payload(root_port)); }

void enable_device(PciDevice& device) {
  if (device.upstream != nullptr && !device.upstream->enabled) enable_device(*device.upstream);
  if (device.power_management != 0) {
    const std::uint16_t control = device.config.read16(device.power_management + kPmControl);
    if ((control & kPmStateMask) != 0) {
      device.config.write16(device.power_management + kPmControl,
                            static_cast<std::uint16_t>(control & ~(kPmStateMask | kPmPmeStatus)));
    }
  }
  bool memory = device.bridge;
  bool io = device.bridge && device.io_window;
  for (const Bar& bar : device.bars) {
    if (bar.assigned) (bar.io ? io : memory) = true;
  }
  const auto decode = static_cast<std::uint16_t>((memory ? kCommandMemory : 0u) | (io ? kCommandIo : 0u));
  enable_command_bits(device, decode, 0);
  if (device.bridge) {
    set_bus_master(device, true);
  } else {
    const bool msix_on =
        device.msix != 0 && (device.config.read16(device.msix + kMsixControl) & kMsixControlEnable) != 0;
    if (!msix_on) enable_command_bits(device, 0, kCommandIntxDisable);
  }
  device.enabled = true;
}

void set_bus_master(const PciDevice& device, bool on) {
  enable_command_bits(device, on ? kCommandBusMaster : std::uint16_t{0}, on ? std::uint16_t{0} : kCommandBusMaster);
}

}  // namespace holdover::host::kernel
