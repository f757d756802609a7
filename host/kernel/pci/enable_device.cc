// SPDX-License-Identifier: MIT
#include "host/kernel/pci/setup_device.h"
#include "pcie/config_space.h"

namespace holdover::host::kernel {
namespace {

using namespace pcie::config;

void change_command(const PciDevice& device, std::uint16_t set, std::uint16_t clear) {
  const std::uint16_t old = device.config.read16(kCommand);
  const auto wanted = static_cast<std::uint16_t>((old | set) & ~clear);
  if (wanted != old) device.config.write16(kCommand, wanted);
}

// pci_power_up(): the whole register becomes 0.
void enter_d0(PciDevice& device) {
  device.power_known = true;
  if (device.power_management == 0) return;
  const unsigned offset = device.power_management + kPmControl;
  if ((device.config.read16(offset) & kPmStateMask) != 0) device.config.write16(offset, 0);
}

// pci_enable_bridge().
void enable_bridge(PciDevice& bridge) {
  if (bridge.upstream != nullptr) enable_bridge(*bridge.upstream);
  if (!bridge.enabled) enable_device(bridge);
  if (!bridge.bus_master) set_bus_master(bridge, true);
}

bool enabled(const PciDevice& device, unsigned capability, unsigned control, std::uint16_t enable) {
  return capability != 0 && (device.config.read16(capability + control) & enable) != 0;
}

}  // namespace

void enable_device(PciDevice& device) {
  if (device.upstream != nullptr) enable_bridge(*device.upstream);
  enter_d0(device);
  bool memory = device.memory_window.size > Bytes{0} || device.prefetch_window.size > Bytes{0};
  bool io = false;
  for (const Bar& bar : device.bars) {
    if (bar.assigned) (bar.io ? io : memory) = true;
  }
  change_command(device, static_cast<std::uint16_t>((memory ? kCommandMemory : 0u) | (io ? kCommandIo : 0u)), 0);
  const bool messages = enabled(device, device.msix, kMsixControl, kMsixControlEnable) ||
                        enabled(device, device.msi, kMsiControl, kMsiControlEnable);
  if (!messages && device.config.read8(kInterruptPin) != 0) set_intx_disable(device, false);
  device.enabled = true;
}

void disable_device(PciDevice& device) {
  set_bus_master(device, false);
  device.enabled = false;
}

void set_bus_master(PciDevice& device, bool on) {
  change_command(device, on ? kCommandBusMaster : std::uint16_t{0}, on ? std::uint16_t{0} : kCommandBusMaster);
  device.bus_master = on;
}

void set_intx_disable(const PciDevice& device, bool on) {
  change_command(device, on ? kCommandIntxDisable : std::uint16_t{0}, on ? std::uint16_t{0} : kCommandIntxDisable);
}

}  // namespace holdover::host::kernel
