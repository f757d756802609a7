// SPDX-License-Identifier: MIT
#include "host/kernel/pci/pci_bus.h"

#include <algorithm>
#include <iterator>

#include "host/kernel/longest_wait.h"
#include "host/kernel/pci/link_setup.h"
#include "host/kernel/pci/liveupdate.h"
#include "host/kernel/pci/setup_device.h"
#include "pcie/config_space.h"

namespace holdover::host::kernel {
namespace {

using namespace pcie::config;

constexpr unsigned kBothPasses = 2;
// Conventional waits of a secondary bus reset (pci_reset_secondary_bus(), pci_bridge_wait_for_secondary_bus()).
constexpr Time kResetHold = 2_ms;
constexpr Time kResetRecovery = 100_ms;
static_assert(kResetHold + kResetRecovery <= kLongestWait);

void visit_tree(const std::vector<std::unique_ptr<PciDevice>>& siblings, const std::function<void(PciDevice&)>& visit) {
  for (const auto& device : siblings) visit(*device);
  for (const auto& device : siblings) visit_tree(device->children, visit);
}

}  // namespace

PciBus::PciBus(pcie::Platform& platform, const Policies& policies, PciLiveUpdate* live_update, unsigned last_bus,
               pcie::Phase phase)
    : platform_(platform), policies_(policies), live_update_(live_update), last_bus_(last_bus), phase_(phase) {}

void PciBus::scan() { (void)scan_bus(0, nullptr, roots_); }

void PciBus::rescan() { (void)scan_bus(0, nullptr, roots_); }

void PciBus::for_each(const std::function<void(PciDevice&)>& visit) const {
  visit_tree(roots_, visit);
  visit_tree(orphans_, visit);
}

PciDevice* PciBus::find(pcie::Bdf bdf) const {
  PciDevice* found = nullptr;
  for_each([&](PciDevice& device) {
    if (device.bdf == bdf) found = &device;
  });
  return found;
}

bool PciBus::incoming(const PciDevice& device) const {
  return live_update_ != nullptr && live_update_->is_incoming(device.bdf);
}

unsigned PciBus::scan_bus(unsigned bus, PciDevice* upstream, Siblings& found) {
  const bool one_device = upstream != nullptr && upstream->downstream_port();
  for (unsigned slot = 0; slot < (one_device ? 1u : 32u); ++slot) scan_slot(bus, slot, upstream, found);
  if (one_device && !found.empty() && !upstream->link_set_up) {
    init_link(platform_, policies_, *upstream, found);
    upstream->link_set_up = true;
  }

  unsigned highest = bus;
  for (unsigned pass = 0; pass < kBothPasses; ++pass) {
    for (const auto& device : found) {
      if (device->bridge) highest = scan_bridge(*device, highest, pass);
    }
  }
  return highest;
}

void PciBus::scan_slot(unsigned bus, unsigned slot, PciDevice* upstream, Siblings& found) {
  for (unsigned function = 0; function < 8; ++function) {
    const pcie::Bdf bdf{0, static_cast<std::uint8_t>(bus), static_cast<std::uint8_t>(slot),
                        static_cast<std::uint8_t>(function)};
    const auto known = std::find_if(found.begin(), found.end(), [&](const auto& other) { return other->bdf == bdf; });
    if (known != found.end()) {
      if (function == 0 && !(*known)->multifunction) return;
      continue;
    }
    std::unique_ptr<PciDevice> device = scan_function(bdf, upstream);
    if (device == nullptr) {
      if (function == 0) return;
      continue;
    }
    const bool more = function != 0 || device->multifunction;
    found.push_back(std::move(device));
    if (!more) return;
  }
}

std::unique_ptr<PciDevice> PciBus::scan_function(pcie::Bdf bdf, PciDevice* upstream) {
  const std::uint32_t identity = platform_.config_read(bdf, Bytes{kVendorId}, 4);
  // The second half of the values are what bridges make of an absent or busy function.
  if (identity == 0xffff'ffff || identity == 0 || identity == 0x0000'ffff || identity == 0xffff'0000) return nullptr;

  auto device = std::make_unique<PciDevice>(platform_, bdf);
  device->upstream = upstream;
  device->vendor_id = static_cast<std::uint16_t>(identity);
  device->device_id = static_cast<std::uint16_t>(identity >> 16);
  // Before anything is written to the function.
  device->live_update = live_update_;
  if (live_update_ != nullptr) device->was_incoming = live_update_->setup_device(bdf);
  if (!setup_device(*device, policies_)) return nullptr;
  platform_.mark(phase_, pcie::Step::FunctionFound, bdf.requester_id());
  configure_device(*device);
  init_capabilities(*device, policies_);
  return device;
}

// pci_scan_bridge_extend(). Pass 0 takes bridges that have numbers, pass 1 gives numbers to the others.
unsigned PciBus::scan_bridge(PciDevice& bridge, unsigned highest, unsigned pass) {
  const ConfigAccess& config = bridge.config;
  const std::uint32_t numbers = config.read32(kPrimaryBus);
  const unsigned primary = numbers & 0xff;
  const unsigned secondary = (numbers >> 8) & 0xff;
  const unsigned subordinate = (numbers >> 16) & 0xff;
  const bool empty = secondary == 0 && subordinate == 0;
  const bool broken = !empty && (primary != bridge.bdf.bus || secondary <= bridge.bdf.bus || secondary > subordinate);
  // pci=assign-busses is ignored where the PCI series keeps numbers.
  const bool keep = keeps_numbers(bridge, pass);
  const bool reassign =
      policies_.mistakes.bridges_renumbered || (policies_.bus_numbers == BusNumbers::Reassign && !keep);

  // Master aborts are to be expected while probing (H048).
  const std::uint16_t control = config.read16(kBridgeControl);
  config.write16(kBridgeControl, static_cast<std::uint16_t>(control & ~kBridgeControlMasterAbort));
  bridge.bridge_control = control;
  if (policies_.retry_visibility == RetryVisibility::BridgeScan) show_retry_status(bridge);
  if (pass == 0 && policies_.mistakes.secondary_bus_reset && !bus_reset_) reset_secondary_bus(bridge, control);

  if (!empty && !broken && !reassign) {
    if (pass == 0) {
      bridge.secondary = static_cast<std::uint8_t>(secondary);
      bridge.subordinate = static_cast<std::uint8_t>(subordinate);
      const unsigned below = scan_bus(secondary, &bridge, bridge.children);
      highest = std::max({highest, subordinate, below});
    }
  } else if (pass == 0) {
    if (keep && (empty || broken)) live_update_->note_lost_bus_numbers(bridge.bdf);
    const bool left_alone = keep && bridge.was_incoming && live_update_->refuse_bus_numbers(bridge.bdf) &&
                            policies_.pci_rules.lost_numbers == PciLostNumbers::IncomingRefused;
    // Numbers that are all 0 are invalid as well, and written once more.
    if (reassign || !left_alone) {
      // The numbers taken away are not handed out again while transactions that bear them may be on their way.
      retired_ = std::max({retired_, secondary, subordinate});
      config.write32(kPrimaryBus, numbers & 0xff00'0000);
      bridge.secondary = 0;
      bridge.subordinate = 0;
    }
  } else if (bridge.secondary == 0) {
    const bool refused = !reassign && keep && live_update_->refuse_bus_numbers(bridge.bdf);
    if (refused) {
      live_update_->warn_refused_bus_numbers(bridge.bdf);
    } else {
      highest = number_bridge(bridge, highest);
    }
  }

  if (policies_.secondary_status == SecondaryStatus::Clear) config.write16(kSecondaryStatus, 0xffff);
  config.write16(kBridgeControl, control);
  if (pass != 0 && live_update_ != nullptr) live_update_->end_bridge_scan(bridge.bdf);
  return highest;
}

bool PciBus::keeps_numbers(const PciDevice& bridge, unsigned pass) {
  const pcie::Bdf* const above = bridge.upstream == nullptr ? nullptr : &bridge.upstream->bdf;
  return live_update_ != nullptr && live_update_->keep_bus_numbers(bridge.bdf, above, pass);
}

unsigned PciBus::number_bridge(PciDevice& bridge, unsigned highest) {
  const ConfigAccess& config = bridge.config;
  const unsigned last = bridge.upstream == nullptr ? last_bus_ : bridge.upstream->subordinate;
  unsigned secondary = std::max(highest, retired_) + 1;
  if (secondary > last) secondary = highest + 1;
  if (secondary > last) return highest;  // no number left: nothing below it can be reached
  config.write16(kStatus, 0xffff);
  const std::uint32_t latency = config.read32(kPrimaryBus) & 0xff00'0000;
  // Everything up to the last number is routed below while the bus is scanned; what is really there is known
  // afterwards.
  config.write32(kPrimaryBus, latency | last << 16 | secondary << 8 | bridge.bdf.bus);
  bridge.secondary = static_cast<std::uint8_t>(secondary);
  bridge.subordinate = static_cast<std::uint8_t>(last);
  std::move(bridge.children.begin(), bridge.children.end(), std::back_inserter(orphans_));
  bridge.children.clear();
  const unsigned below = scan_bus(secondary, &bridge, bridge.children);
  bridge.subordinate = static_cast<std::uint8_t>(below);
  config.write8(kSubordinateBus, bridge.subordinate);
  return std::max(highest, below);
}

void PciBus::reset_secondary_bus(const PciDevice& bridge, std::uint16_t control) {
  bus_reset_ = true;
  bridge.config.write16(kBridgeControl, control | kBridgeControlSecondaryReset);
  platform_.wait(scaled(kResetHold, policies_));
  bridge.config.write16(kBridgeControl, control);
  platform_.wait(scaled(kResetRecovery, policies_));
}

}  // namespace holdover::host::kernel
