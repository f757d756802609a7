// SPDX-License-Identifier: MIT
#include "host/kernel/pci/ari.h"

#include "pcie/config_space.h"

namespace holdover::host::kernel {

using namespace pcie::config;

void configure_ari(const PciDevice& device, const Policies& policies) {
  PciDevice* const bridge = device.upstream;
  const bool first_function = device.bdf.device == 0 && device.bdf.function == 0;
  if (device.express == 0 || !first_function || bridge == nullptr || bridge->express == 0) return;
  const unsigned offset = bridge->express + kExpressDeviceControl2;
  if (policies.pci_rules.ari == PciAri::Adopt && bridge->incoming()) {
    bridge->ari_enabled = (bridge->config.read16(offset) & kDeviceControl2Ari) != 0;
    return;
  }
  if (policies.ari == Ari::Off) return;
  const std::uint32_t capabilities = bridge->config.read32(bridge->express + kExpressDeviceCapabilities2);
  if ((capabilities & kDeviceCapabilities2Ari) == 0) return;
  bridge->ari_enabled = device.extended_space && device.config.extended_capability(kExtCapAri) != 0;
  const std::uint16_t old = bridge->config.read16(offset);
  bridge->config.write16(
      offset, static_cast<std::uint16_t>(bridge->ari_enabled ? old | kDeviceControl2Ari : old & ~kDeviceControl2Ari));
}

}  // namespace holdover::host::kernel
