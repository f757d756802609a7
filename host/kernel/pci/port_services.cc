// SPDX-License-Identifier: MIT
#include "host/kernel/pci/port_services.h"

#include <algorithm>
#include <bit>
#include <string>

#include "host/kernel/longest_wait.h"
#include "host/kernel/pci/setup_device.h"
#include "pcie/config_space.h"

namespace holdover::host::kernel {
namespace {

using namespace pcie::config;

using Print = std::function<void(const std::string&)>;

constexpr Time kInactivePoll = 1_us;
constexpr Time kInactiveLimit = 1'000_ms;
static_assert(kInactiveLimit <= kLongestWait);
constexpr std::uint16_t kContainmentControls = kDpcControlTriggerEnable | kDpcControlInterruptEnable;
constexpr std::uint16_t kContainFatal = 1;

void enable_power_events(const PciDevice& port, bool on) {
  port.config.change16(port.express + kExpressRootControl, kRootControlPmeInterrupt,
                       on ? kRootControlPmeInterrupt : std::uint16_t{0});
}

void clear_power_event(const PciDevice& port) {
  const unsigned status = port.express + kExpressRootStatus;
  port.config.write32(status, port.config.read32(status) | kRootStatusPme);
}

void clear_device_status(const PciDevice& device) {
  const unsigned status = device.express + kExpressDeviceStatus;
  device.config.write16(status, device.config.read16(status));
}

// clear_status_iter()
void clear_status_below(const PciDevice& bridge) {
  for (const auto& device : bridge.children) {
    const bool reports = device->express != 0 && (device->config.read16(device->express + kExpressDeviceControl) &
                                                  kDeviceControlErrorReporting) != 0;
    if (reports) {
      clear_error_status(*device);
      clear_device_status(*device);
    }
    clear_status_below(*device);
  }
}

// aer_enable_rootport()
void start_error_reporting(const PciDevice& port, AerStart start) {
  const ConfigAccess& config = port.config;
  clear_device_status(port);
  config.change16(port.express + kExpressRootControl, kRootControlSystemErrors, 0);
  const std::uint32_t root = config.read32(port.aer + kAerRootStatus);
  config.write32(port.aer + kAerRootStatus, root);
  if (start == AerStart::Hierarchy && (root & (kAerRootCorrectable | kAerRootUncorrectable)) != 0) {
    clear_status_below(port);
  }
  for (const unsigned status : {kAerCorrectableStatus, kAerUncorrectableStatus}) {
    config.write32(port.aer + status, config.read32(port.aer + status));
  }
  const unsigned command = port.aer + kAerRootCommand;
  config.write32(command, config.read32(command) | kAerRootCommandInterrupts);
}

// aer_disable_rootport()
void stop_error_reporting(const PciDevice& port) {
  const ConfigAccess& config = port.config;
  const unsigned command = port.aer + kAerRootCommand;
  config.write32(command, config.read32(command) & ~kAerRootCommandInterrupts);
  const unsigned status = port.aer + kAerRootStatus;
  config.write32(status, config.read32(status));
}

void start_containment(const PciDevice& port, DpcStart start) {
  if (start == DpcStart::ClearStatus) port.config.write16(port.dpc + kDpcStatus, kDpcStatusInterrupt);
  port.config.change16(port.dpc + kDpcControl, kContainmentControls, kContainFatal | kDpcControlInterruptEnable);
}

// dpc_disable()
void stop_containment(const PciDevice& port) {
  port.config.change16(port.dpc + kDpcControl, kContainFatal | kDpcControlInterruptEnable, 0);
}

void start_bandwidth(const PciDevice& port) {
  port.config.change16(port.express + kExpressLinkControl, 0, kLinkControlBandwidthInterrupts);
  port.config.write16(port.express + kExpressLinkStatus, kLinkStatusBandwidth);
}

void stop_bandwidth(const PciDevice& port) {
  port.config.change16(port.express + kExpressLinkControl, kLinkControlBandwidthInterrupts, 0);
}

bool has_bandwidth_service(const PciDevice& port, BandwidthControl control) {
  if (!port.downstream_port()) return false;
  const std::uint32_t capabilities = port.config.read32(port.express + kExpressLinkCapabilities);
  if ((capabilities & kLinkCapabilitiesBandwidthNotification) == 0) return false;
  if (control == BandwidthControl::None) return true;
  const std::uint32_t up_to_fastest = (2u << (capabilities & kLinkCapabilitiesSpeed)) - 2;
  const std::uint32_t speeds = port.config.read32(port.express + kExpressLinkCapabilities2) & 0xfe & up_to_fastest;
  return std::popcount(speeds) > 1;
}

// aer_irq()
void take_errors(const PciDevice& port, RootErrors& errors, const Print& print) {
  const std::uint32_t status = port.config.read32(port.aer + kAerRootStatus);
  if ((status & (kAerRootCorrectable | kAerRootUncorrectable)) == 0 || status == 0xffff'ffff) return;
  const std::uint32_t sources = port.config.read32(port.aer + kAerErrorSource);
  port.config.write32(port.aer + kAerRootStatus, status);
  const auto report = [&](std::string_view severity, std::uint32_t source) {
    const pcie::Bdf from = pcie::Bdf::from_requester_id(static_cast<std::uint16_t>(source), port.bdf.segment);
    print("AER: " + std::string(severity) + " error message received from " + from.to_string());
  };
  if ((status & kAerRootCorrectable) != 0) {
    ++errors.correctable;
    report("Correctable", sources);
  }
  if ((status & kAerRootUncorrectable) != 0) {
    ++((status & kAerRootFatal) != 0 ? errors.fatal : errors.non_fatal);
    report((status & kAerRootFatal) != 0 ? "Uncorrectable (Fatal)" : "Uncorrectable (Non-Fatal)", sources >> 16);
  }
}

// dpc_irq() and dpc_reset_link()
void take_containment(pcie::Platform& platform, const PciDevice& port, const Policies& policies, const Print& print) {
  const unsigned offset = port.dpc + kDpcStatus;
  const std::uint16_t status = port.config.read16(offset);
  if ((status & kDpcStatusInterrupt) == 0 || status == 0xffff) return;
  port.config.write16(offset, kDpcStatusInterrupt);
  if ((status & kDpcStatusTrigger) == 0) return;
  const pcie::Bdf from = pcie::Bdf::from_requester_id(port.config.read16(port.dpc + kDpcSource), port.bdf.segment);
  print("DPC: containment event, source " + from.to_string());
  const Time end = platform.now() + scaled(kInactiveLimit, policies);
  while ((port.config.read16(port.express + kExpressLinkStatus) & kLinkStatusActive) != 0 && platform.now() < end) {
    platform.wait(kInactivePoll);
  }
  port.config.write16(offset, kDpcStatusTrigger);
}

// pcie_bwnotif_irq()
void take_bandwidth(const PciDevice& port) {
  const unsigned offset = port.express + kExpressLinkStatus;
  const std::uint16_t status = port.config.read16(offset);
  const auto events = static_cast<std::uint16_t>(status & kLinkStatusBandwidth);
  if (events != 0 && status != 0xffff) port.config.write16(offset, events);
}

}  // namespace

PortServices find_services(const PciDevice& port, const Policies& policies) {
  PortServices services;
  services.error_reporting = port.root_port() && port.aer != 0;
  services.power_events = port.root_port();
  if (services.power_events) enable_power_events(port, false);
  services.containment = port.dpc != 0 && services.error_reporting;
  services.bandwidth = has_bandwidth_service(port, policies.bandwidth_control);
  return services;
}

unsigned highest_message(const PciDevice& port, const PortServices& services) {
  unsigned highest = 0;
  if (services.power_events || services.bandwidth) {
    highest = (port.config.read16(port.express + kExpressFlags) & kExpressFlagsInterrupt) >> 9;
  }
  if (services.error_reporting) highest = std::max(highest, port.config.read32(port.aer + kAerRootStatus) >> 27);
  if (services.containment) highest = std::max(highest, port.config.read16(port.dpc + kDpcCapability) & 0x1fu);
  return highest;
}

void start_services(const PciDevice& port, const PortServices& services, const Policies& policies) {
  if (services.power_events) {
    enable_power_events(port, false);
    clear_power_event(port);
    enable_power_events(port, true);
  }
  if (services.error_reporting) start_error_reporting(port, policies.aer_start);
  if (services.containment) start_containment(port, policies.dpc_start);
  if (services.bandwidth && policies.bandwidth_control == BandwidthControl::Notify) start_bandwidth(port);
}

void stop_services(const PciDevice& port, const PortServices& services, const Policies& policies) {
  if (services.power_events) {
    enable_power_events(port, false);
    clear_power_event(port);
  }
  if (services.error_reporting) stop_error_reporting(port);
  if (services.containment) stop_containment(port);
  if (services.bandwidth && policies.bandwidth_control == BandwidthControl::Notify) stop_bandwidth(port);
}

void handle_interrupt(pcie::Platform& platform, const PciDevice& port, const PortServices& services,
                      const Policies& policies, RootErrors& errors, const Print& print) {
  if (services.error_reporting) take_errors(port, errors, print);
  if (services.containment) take_containment(platform, port, policies, print);
  if (services.bandwidth && policies.bandwidth_control == BandwidthControl::Notify) take_bandwidth(port);
}

}  // namespace holdover::host::kernel
