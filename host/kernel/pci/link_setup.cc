// SPDX-License-Identifier: MIT
#include "host/kernel/pci/link_setup.h"

#include <algorithm>

#include "host/kernel/longest_wait.h"
#include "pcie/config_space.h"

namespace holdover::host::kernel {
namespace {

using namespace pcie::config;

using Functions = std::vector<std::unique_ptr<PciDevice>>;

constexpr Time kTrainingPoll = 1_us;
constexpr Time kTrainingLimit = 1'000_ms;  // PCIE_LINK_RETRAIN_TIMEOUT
static_assert(kTrainingLimit <= kLongestWait);

std::uint16_t link_control(const PciDevice& device) {
  return device.config.read16(device.express + kExpressLinkControl);
}

bool has_aspm(const PciDevice& device) {
  return device.express != 0 &&
         (device.config.read32(device.express + kExpressLinkCapabilities) & kLinkCapabilitiesAspm) != 0;
}

bool uses_slot_clock(const PciDevice& device) {
  return (device.config.read16(device.express + kExpressLinkStatus) & kLinkStatusSlotClock) != 0;
}

bool wait_until_trained(pcie::Platform& platform, const Policies& policies, const PciDevice& port) {
  const Time end = platform.now() + scaled(kTrainingLimit, policies);
  while ((port.config.read16(port.express + kExpressLinkStatus) & kLinkStatusTraining) != 0) {
    if (platform.now() >= end) return false;
    platform.wait(kTrainingPoll);
  }
  return true;
}

// pcie_retrain_link()
bool retrain(pcie::Platform& platform, const Policies& policies, const PciDevice& port) {
  if (!wait_until_trained(platform, policies, port)) return false;
  port.config.change16(port.express + kExpressLinkControl, 0, kLinkControlRetrain);
  const bool trained = wait_until_trained(platform, policies, port);
  if (policies.retrain_status == RetrainStatus::Clear) {
    port.config.write16(port.express + kExpressLinkStatus, kLinkStatusBandwidthManagement);
  }
  return trained;
}

// pcie_aspm_configure_common_clock()
void configure_common_clock(pcie::Platform& platform, const Policies& policies, const PciDevice& port,
                            const Functions& below) {
  const bool same = uses_slot_clock(*below.front()) && uses_slot_clock(port);
  const auto common = [](const PciDevice& end) { return (link_control(end) & kLinkControlCommonClock) != 0; };
  if (same && common(port) && std::all_of(below.begin(), below.end(), [&](const auto& end) { return common(*end); })) {
    return;
  }
  const auto configure = [](const PciDevice& end, std::uint16_t clock) {
    end.config.change16(end.express + kExpressLinkControl, kLinkControlCommonClock, clock);
  };
  std::vector<std::uint16_t> before;
  for (const auto& end : below) {
    before.push_back(link_control(*end) & kLinkControlCommonClock);
    configure(*end, same ? kLinkControlCommonClock : std::uint16_t{0});
  }
  const auto port_before = static_cast<std::uint16_t>(link_control(port) & kLinkControlCommonClock);
  configure(port, same ? kLinkControlCommonClock : std::uint16_t{0});
  if (retrain(platform, policies, port)) return;
  for (std::size_t index = 0; index < below.size(); ++index) configure(*below[index], before[index]);
  configure(port, port_before);
}

// pcie_aspm_cap_init() around the L1 substates, which no port has: states are off for that moment, below first.
void switch_aspm_off_and_on(const PciDevice& port, const PciDevice& end) {
  const std::uint16_t above = link_control(port);
  const std::uint16_t below = link_control(end);
  if (((above | below) & kLinkControlAspm) == 0) return;
  const auto write = [](const PciDevice& device, int value) {
    device.config.write16(device.express + kExpressLinkControl, static_cast<std::uint16_t>(value));
  };
  write(end, below & ~kLinkControlAspm);
  write(port, above & ~kLinkControlAspm);
  write(port, above);
  write(end, below);
}

}  // namespace

void init_link(pcie::Platform& platform, const Policies& policies, const PciDevice& port, const Functions& below) {
  if (!port.downstream_port()) return;
  const bool capable = std::all_of(below.begin(), below.end(), [](const auto& end) { return end->express != 0; });
  if (!capable || !has_aspm(port) || !has_aspm(*below.front())) return;
  configure_common_clock(platform, policies, port, below);
  if (policies.aspm_at_init == AspmAtInit::OffAndOn) switch_aspm_off_and_on(port, *below.front());
}

}  // namespace holdover::host::kernel
