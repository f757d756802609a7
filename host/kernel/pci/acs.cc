// SPDX-License-Identifier: MIT
#include "host/kernel/pci/acs.h"

#include <algorithm>
#include <array>

#include "host/kernel/pci/liveupdate.h"
#include "pcie/config_space.h"

namespace holdover::host::kernel {
namespace {

using namespace pcie::config;

struct DeviceIds {
  std::uint16_t first;
  std::uint16_t last;
};
constexpr std::uint16_t kIntel = 0x8086;
// Root ports of Intel chipsets whose isolation is switched in the chipset (pci_quirk_enable_intel_pch_acs and
// pci_quirk_enable_intel_spt_pch_acs; the list is assumed where a step of a chipset is missing).
constexpr std::array kIntelRootPorts{DeviceIds{0x3b42, 0x3b51}, DeviceIds{0x1c10, 0x1c1f}, DeviceIds{0x1e10, 0x1e1f},
                                     DeviceIds{0x8c10, 0x8c1f}, DeviceIds{0x9c10, 0x9c1b}, DeviceIds{0x9c90, 0x9c9b},
                                     DeviceIds{0x1d10, 0x1d1e}, DeviceIds{0x8d10, 0x8d1e}, DeviceIds{0x8c90, 0x8c9e},
                                     DeviceIds{0xa110, 0xa11f}, DeviceIds{0xa167, 0xa16a}, DeviceIds{0xa290, 0xa29f},
                                     DeviceIds{0xa2e7, 0xa2ee}};

}  // namespace

void init_acs(PciDevice& device) {
  if (device.extended_space) device.acs = device.config.extended_capability(kExtCapAcs);
  if (device.acs == 0) return;
  device.acs_possible = device.config.read16(device.acs + kAcsCapability) & kAcsIsolation;
  device.adopted_acs = device.config.read16(device.acs + kAcsControl);
  device.acs_control = device.adopted_acs;
}

void enable_acs(PciDevice& device, const Policies& policies) {
  if (device.acs == 0) return;
  const PciAcs rule = policies.pci_rules.acs;
  if (rule == PciAcs::SkipIncoming && device.incoming()) return;
  const bool adopts = (rule == PciAcs::Adopt || rule == PciAcs::AdoptAndSave) && device.was_incoming;
  if (adopts && !needs_acs_quirk(device)) {
    device.acs_control = device.adopted_acs;
    device.config.write16(device.acs + kAcsControl, device.acs_control);
    return;
  }
  if (adopts && device.live_update != nullptr) device.live_update->warn_acs_fallback(device.bdf);
  // What firmware switched on beside it stays (pci_enable_acs()).
  const unsigned found = device.config.read16(device.acs + kAcsControl);
  device.acs_control = static_cast<std::uint16_t>(found | device.acs_possible);
  device.config.write16(device.acs + kAcsControl, device.acs_control);
}

bool needs_acs_quirk(const PciDevice& device) {
  if (device.vendor_id != kIntel || device.express == 0 || device.port_type != kPortTypeRootPort) return false;
  return std::any_of(kIntelRootPorts.begin(), kIntelRootPorts.end(), [&](const DeviceIds& ids) {
    return device.device_id >= ids.first && device.device_id <= ids.last;
  });
}

bool acs_isolates(const PciDevice& port) {
  return port.acs != 0 && (port.acs_control & port.acs_possible) == port.acs_possible;
}

}  // namespace holdover::host::kernel
