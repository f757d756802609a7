// SPDX-License-Identifier: MIT
#include "host/kernel/pci/function_reset.h"

#include <cerrno>

#include "host/kernel/longest_wait.h"
#include "host/kernel/pci/saved_state.h"
#include "pcie/config_space.h"

namespace holdover::host::kernel {
namespace {

using namespace pcie::config;

constexpr Time kAfterReset = 100_ms;  // PCIe 5.0, 6.6.2
static_assert(kAfterReset <= kLongestWait);
constexpr Time kPoll = 1_us;
constexpr unsigned kMostPendingPolls = 100;
constexpr unsigned kMostReadyPolls = 1000;

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
  const SavedState saved = save_state(device);
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
  restore_state(device, policies, saved);
  return 0;
}

}  // namespace holdover::host::kernel
