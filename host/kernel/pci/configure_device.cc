// SPDX-License-Identifier: MIT
#include "host/kernel/pci/acs.h"
#include "host/kernel/pci/ari.h"
#include "host/kernel/pci/setup_device.h"
#include "pcie/config_space.h"

namespace holdover::host::kernel {
namespace {

using namespace pcie::config;

unsigned payload_supported(const PciDevice& device) {
  return device.config.read32(device.express + kExpressDeviceCapabilities) & 7;
}

unsigned payload(const PciDevice& device) {
  return (device.config.read16(device.express + kExpressDeviceControl) & kDeviceControlMaxPayload) >> 5;
}

void set_payload(const PciDevice& device, unsigned encoded) {
  device.config.change16(device.express + kExpressDeviceControl, kDeviceControlMaxPayload,
                         static_cast<std::uint16_t>(encoded << 5));
}

// pci_configure_mps() under PCIE_BUS_DEFAULT: the function takes the value of the bridge above it, and a root port that
// is above what the function supports comes down to it.
void configure_payload(const PciDevice& device) {
  const PciDevice* bridge = device.upstream;
  if (bridge == nullptr || bridge->express == 0) return;
  unsigned above = payload(*bridge);
  if (payload(device) == above) return;
  const unsigned supported = payload_supported(device);
  if (supported < above && bridge->root_port()) {
    set_payload(*bridge, supported);
    above = payload(*bridge);
  }
  if (above <= supported) set_payload(device, above);
}

void configure_extended_tags(const PciDevice& device) {
  const std::uint32_t capabilities = device.config.read32(device.express + kExpressDeviceCapabilities);
  if ((capabilities & kDeviceCapabilitiesExtendedTag) == 0) return;
  const unsigned offset = device.express + kExpressDeviceControl;
  if ((device.config.read16(offset) & kDeviceControlExtendedTag) != 0) return;
  device.config.change16(offset, 0, kDeviceControlExtendedTag);
}

// pci_configure_ltr(): from the root port downwards, only where every function above has it on.
void configure_latency_tolerance(PciDevice& device) {
  const std::uint32_t capabilities = device.config.read32(device.express + kExpressDeviceCapabilities2);
  if ((capabilities & kDeviceCapabilities2Ltr) == 0) return;
  const bool above = device.root_port() || (device.upstream != nullptr && device.upstream->latency_path);
  const unsigned offset = device.express + kExpressDeviceControl2;
  if ((device.config.read16(offset) & kDeviceControl2Ltr) != 0) {
    device.latency_path = above;
  } else if (above) {
    device.config.change16(offset, 0, kDeviceControl2Ltr);
    device.latency_path = true;
  }
}

// pci_configure_serr(): a bridge forwards no error message from below without it.
void configure_error_forwarding(const PciDevice& device) {
  const std::uint16_t control = device.config.read16(kBridgeControl);
  if ((control & kBridgeControlSerr) == 0) device.config.write16(kBridgeControl, control | kBridgeControlSerr);
}

// pci_configure_rcb(): bit 3 is copied from the root port, and the register written even where nothing changes (H068).
void configure_completion_boundary(const PciDevice& device) {
  if (device.bridge) return;
  const PciDevice* root = device.upstream;
  while (root != nullptr && root->upstream != nullptr) root = root->upstream;
  if (root == nullptr || !root->root_port()) return;
  const std::uint16_t above = root->config.read16(root->express + kExpressLinkControl);
  device.config.change16(device.express + kExpressLinkControl, kLinkControlRcb, above & kLinkControlRcb);
}

void disable_interrupts(const PciDevice& device, unsigned offset, std::uint16_t enable) {
  const std::uint16_t control = device.config.read16(offset);
  if ((control & enable) != 0) device.config.write16(offset, static_cast<std::uint16_t>(control & ~enable));
}

// pci_pm_init(): PME Status cleared, PME Enable off (H074); with the policy D0, a function that is not in D0 is powered
// up (H075).
void init_power_management(PciDevice& device, PowerAtInit power) {
  if (device.power_management != 0) {
    const unsigned offset = device.power_management + kPmControl;
    if ((device.config.read16(device.power_management + kPmCapabilities) & kPmCapabilitiesPme) != 0) {
      device.config.change16(offset, kPmPmeEnable, kPmPmeStatus);
    }
    if (power == PowerAtInit::D0 && (device.config.read16(offset) & kPmStateMask) != 0) {
      device.config.write16(offset, 0);
    }
  }
  device.power_known = power == PowerAtInit::D0;
}

// pci_aer_init().
void init_error_reporting(PciDevice& device, AdvisoryErrors advisory) {
  if (device.extended_space) device.aer = device.config.extended_capability(kExtCapAer);
  if (device.aer == 0) return;
  const std::uint32_t capabilities = device.config.read32(device.express + kExpressDeviceCapabilities);
  if (advisory == AdvisoryErrors::Unmasked && (capabilities & kDeviceCapabilitiesRoleBased) != 0) {
    const unsigned mask = device.aer + kAerCorrectableMask;
    device.config.write32(mask, device.config.read32(mask) & ~kAerAdvisoryNonFatal);
  }
  clear_error_status(device);
  device.config.change16(device.express + kExpressDeviceControl, 0, kDeviceControlErrorReporting);
}

}  // namespace

void configure_device(PciDevice& device) {
  if (device.express != 0) {
    configure_payload(device);
    configure_extended_tags(device);
    configure_latency_tolerance(device);
  }
  if (device.bridge) configure_error_forwarding(device);
  if (device.express != 0) configure_completion_boundary(device);
}

void init_capabilities(PciDevice& device, const Policies& policies) {
  const ConfigAccess& config = device.config;
  const bool keep_interrupts = device.incoming() && policies.msix_at_init == MsixAtInit::KeepIncoming && !device.bridge;
  device.msi = config.capability(kCapMsi);
  if (device.msi != 0 && !keep_interrupts) disable_interrupts(device, device.msi + kMsiControl, kMsiControlEnable);
  device.msix = config.capability(kCapMsix);
  if (device.msix != 0 && !keep_interrupts) disable_interrupts(device, device.msix + kMsixControl, kMsixControlEnable);
  device.power_management = config.capability(kCapPowerManagement);
  init_power_management(device, policies.power_at_init);
  configure_ari(device, policies);
  if (device.extended_space) device.sriov = config.extended_capability(kExtCapSriov);
  init_acs(device);
  if (policies.acs_control == AcsControl::Init) enable_acs(device, policies);
  init_error_reporting(device, policies.advisory_errors);
  if (device.extended_space) device.dpc = config.extended_capability(kExtCapDpc);
}

void clear_error_status(const PciDevice& device) {
  if (device.aer == 0) return;
  const auto write_back = [&](unsigned offset) {
    device.config.write32(device.aer + offset, device.config.read32(device.aer + offset));
  };
  if (device.root_port()) write_back(kAerRootStatus);
  write_back(kAerCorrectableStatus);
  write_back(kAerUncorrectableStatus);
}

}  // namespace holdover::host::kernel
