// SPDX-License-Identifier: MIT
#include "host/kernel/pci/runtime_power.h"

#include "host/kernel/longest_wait.h"
#include "pcie/config_space.h"

namespace holdover::host::kernel {
namespace {

using namespace pcie::config;

constexpr unsigned kD0 = 0;
constexpr unsigned kD3hot = 3;
constexpr Time kTransition = 10_ms;  // PCIe 5.0, 5.9
static_assert(kTransition <= kLongestWait);

void set_power_state(pcie::Platform& platform, const Policies& policies, const PciDevice& device, unsigned state) {
  const unsigned control = device.power_management + kPmControl;
  const unsigned old = device.config.read16(control);
  device.config.write16(control, static_cast<std::uint16_t>((old & ~(kPmStateMask | unsigned{kPmPmeStatus})) | state));
  platform.wait(scaled(kTransition, policies));
}

}  // namespace

unsigned power_state(const PciDevice& device) {
  return device.power_management == 0 ? kD0 : device.config.read16(device.power_management + kPmControl) & kPmStateMask;
}

void suspend(pcie::Platform& platform, const Policies& policies, PciDevice& device) {
  if (device.power_management == 0 || device.suspended) return;
  device.suspended = save_state(device);
  set_power_state(platform, policies, device, kD3hot);
}

void resume(pcie::Platform& platform, const Policies& policies, PciDevice& device) {
  if (!device.suspended) return;
  set_power_state(platform, policies, device, kD0);
  restore_state(device, policies, *device.suspended);
  device.suspended.reset();
}

}  // namespace holdover::host::kernel
