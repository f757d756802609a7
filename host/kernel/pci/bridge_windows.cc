// SPDX-License-Identifier: MIT
#include "host/kernel/pci/bridge_windows.h"

#include "pcie/config_space.h"

namespace holdover::host::kernel {
namespace {

using namespace pcie::config;

// Base in the low half, limit in the high half; base above limit closes the window.
constexpr std::uint32_t kClosed = 0x0000'fff0;

std::uint32_t base_and_limit(const Window& window) {
  if (window.size == Bytes{0}) return kClosed;
  const std::uint64_t limit = window.base.raw() + window.size.count() - 1;
  return static_cast<std::uint32_t>((window.base.raw() >> 16) & 0xfff0) |
         static_cast<std::uint32_t>(limit & 0xfff0'0000);
}

}  // namespace

void write_windows(PciDevice& bridge) {
  const ConfigAccess& config = bridge.config;
  config.write32(kIoBaseUpper, 0x0000'ffff);
  config.write16(kIoBase, 0x00f0);  // no I/O space on this platform
  config.write32(kIoBaseUpper, 0);
  config.write32(kMemoryBase, base_and_limit(bridge.memory_window));
  const Window& window = bridge.prefetch_window;
  const std::uint64_t limit = window.size == Bytes{0} ? 0 : window.base.raw() + window.size.count() - 1;
  const std::uint64_t base = window.size == Bytes{0} ? 0 : window.base.raw();
  config.write32(kPrefetchLimitUpper, 0);
  config.write32(kPrefetchBase, base_and_limit(window));
  config.write32(kPrefetchBaseUpper, static_cast<std::uint32_t>(base >> 32));
  config.write32(kPrefetchLimitUpper, static_cast<std::uint32_t>(limit >> 32));
  config.write16(kBridgeControl, bridge.bridge_control);
}

}  // namespace holdover::host::kernel
