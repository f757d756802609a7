// SPDX-License-Identifier: MIT
#include "host/kernel/pci/function_reset.h"

#include <array>
#include <cerrno>

#include "host/kernel/pci/acs.h"
#include "pcie/config_space.h"

namespace holdover::host::kernel {
namespace {

using namespace pcie::config;

constexpr Time kAfterReset = 100_ms;  // PCIe 5.0, 6.6.2
constexpr Time kPoll = 1_us;
constexpr unsigned kMostPendingPolls = 100;
constexpr unsigned kMostReadyPolls = 1000;

// Registers of the PCI Express capability that software owns.
constexpr std::array kExpressControls{kExpressDeviceControl, kExpressLinkControl, kExpressDeviceControl2,
                                      kExpressLinkControl2};

struct SavedState {
  std::array<std::uint32_t, 16> header{};
  std::array<std::uint16_t, kExpressControls.size()> express{};
  std::uint16_t acs = 0;
};

SavedState save(const PciDevice& device) {
  SavedState saved;
  for (unsigned word = 0; word < saved.header.size(); ++word) saved.header[word] = device.config.read32(4 * word);
  for (std::size_t index = 0; index < kExpressControls.size(); ++index) {
    saved.express[index] = device.config.read16(device.express + kExpressControls[index]);
  }
  if (device.acs != 0) saved.acs = device.config.read16(device.acs + kAcsControl);
  return saved;
}

void restore_word(const PciDevice& device, const SavedState& saved, unsigned word) {
  if (device.config.read32(4 * word) != saved.header[word]) device.config.write32(4 * word, saved.header[word]);
}

// pci_restore_state() ends with pci_enable_acs(): whether ACS Control comes back depends on the rule for it.
void restore_acs(PciDevice& device, const Policies& policies, const SavedState& saved) {
  if (device.acs == 0) return;
  if (policies.pci_rules.acs != PciAcs::AdoptAndSave) {
    enable_acs(device, policies);
    return;
  }
  device.acs_control = saved.acs;
  device.config.write16(device.acs + kAcsControl, saved.acs);
}

// The header from its end to its beginning, so that COMMAND comes back when the BARs stand.
void restore(PciDevice& device, const Policies& policies, const SavedState& saved) {
  for (std::size_t index = 0; index < kExpressControls.size(); ++index) {
    const auto value = static_cast<std::uint16_t>(kExpressControls[index] == kExpressDeviceControl
                                                      ? saved.express[index] & ~kDeviceControlFlr
                                                      : saved.express[index]);
    device.config.write16(device.express + kExpressControls[index], value);
  }
  for (unsigned word = 16; word-- > 2;) restore_word(device, saved, word);
  device.config.write16(kCommand, static_cast<std::uint16_t>(saved.header[1]));
  restore_acs(device, policies, saved);
}

}  // namespace

bool wait_for_pending(pcie::Platform& platform, const PciDevice& device) {
  for (unsigned poll = 0; poll < kMostPendingPolls; ++poll) {
    const std::uint16_t status = device.config.read16(device.express + kExpressDeviceStatus);
    if ((status & kDeviceStatusTransactionsPending) == 0) return true;
    platform.wait(kPoll);
  }
  return false;
}

int reset_function(pcie::Platform& platform, const Policies& policies, PciDevice& device) {
  const ConfigAccess& config = device.config;
  if (device.express == 0 ||
      (config.read32(device.express + kExpressDeviceCapabilities) & kDeviceCapabilitiesFlr) == 0) {
    return ENOTTY;
  }
  const SavedState saved = save(device);
  config.write16(kCommand, kCommandIntxDisable);
  wait_for_pending(platform, device);
  const unsigned control = device.express + kExpressDeviceControl;
  config.write16(control, config.read16(control) | kDeviceControlFlr);
  platform.wait(scaled(kAfterReset, policies));
  unsigned poll = 0;
  while (config.read32(kVendorId) != saved.header[0]) {
    if (++poll == kMostReadyPolls) return EIO;
    platform.wait(kPoll);
  }
  restore(device, policies, saved);
  return 0;
}

}  // namespace holdover::host::kernel
