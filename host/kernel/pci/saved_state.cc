// SPDX-License-Identifier: MIT
#include "host/kernel/pci/saved_state.h"

#include "host/kernel/pci/acs.h"
#include "host/kernel/pci/pci_device.h"

namespace holdover::host::kernel {
namespace {

using namespace pcie::config;

void restore_acs(PciDevice& device, const Policies& policies, const SavedState& saved) {
  if (device.acs == 0) return;
  if (policies.pci_rules.acs != PciAcs::AdoptAndSave) {
    enable_acs(device, policies);
    return;
  }
  device.acs_control = saved.acs;
  device.config.write16(device.acs + kAcsControl, saved.acs);
}

}  // namespace

SavedState save_state(const PciDevice& device) {
  SavedState saved;
  for (unsigned word = 0; word < saved.header.size(); ++word) saved.header[word] = device.config.read32(4 * word);
  if (device.acs != 0) saved.acs = device.config.read16(device.acs + kAcsControl);
  if (device.express == 0) return saved;
  for (std::size_t index = 0; index < kSavedExpressControls.size(); ++index) {
    saved.express[index] = device.config.read16(device.express + kSavedExpressControls[index]);
  }
  return saved;
}

void restore_state(PciDevice& device, const Policies& policies, const SavedState& saved) {
  for (std::size_t index = 0; device.express != 0 && index < kSavedExpressControls.size(); ++index) {
    const bool device_control = kSavedExpressControls[index] == kExpressDeviceControl;
    const auto value =
        static_cast<std::uint16_t>(device_control ? saved.express[index] & ~kDeviceControlFlr : saved.express[index]);
    device.config.write16(device.express + kSavedExpressControls[index], value);
  }
  for (unsigned word = 16; word-- > 2;) {
    if (device.config.read32(4 * word) != saved.header[word]) device.config.write32(4 * word, saved.header[word]);
  }
  device.config.write16(kCommand, static_cast<std::uint16_t>(saved.header[1]));
  restore_acs(device, policies, saved);
}

}  // namespace holdover::host::kernel
