// SPDX-License-Identifier: MIT
// What a port's registers are at power on, and which of their bits can be written.
#include "sim/bridge.h"
#include "sim/bridge_layout.h"

namespace holdover::sim {
namespace {

namespace config = pcie::config;
using namespace bridge_layout;

constexpr std::uint16_t kVendor = 0x1172;
constexpr std::uint16_t kCommandWritable = config::kCommandMemory | config::kCommandBusMaster | config::kCommandParity |
                                           config::kCommandSerr | config::kCommandIntxDisable;
constexpr std::uint32_t kSlotPowerController = 1u << 1;
constexpr std::uint32_t kSlotNoCommandCompleted = 1u << 18;
// Attention and Power Indicator Control: the reset value is one that is not reserved (PCIe 5.0, 7.5.3.10).
constexpr std::uint32_t kSlotIndicatorsOff = 0x03c0;

unsigned port_type(FunctionKind kind) {
  switch (kind) {
    case FunctionKind::RootPort:
      return config::kPortTypeRootPort;
    case FunctionKind::SwitchUpstream:
      return config::kPortTypeSwitchUpstream;
    default:
      return config::kPortTypeSwitchDownstream;
  }
}

std::uint16_t device_id(FunctionKind kind) {
  switch (kind) {
    case FunctionKind::RootPort:
      return 0x0D01;
    case FunctionKind::SwitchUpstream:
      return 0x0D02;
    default:
      return 0x0D03;
  }
}

}  // namespace

// PCIe 5.0, 7.5.1.3. No I/O window: base and limit are hardwired 0 and read as not implemented.
void Bridge::build_header() {
  registers_.define(config::kVendorId, 2, kVendor, 0);
  registers_.define(config::kDeviceId, 2, device_id(identity_.kind), 0);
  registers_.define(config::kCommand, 2, 0, kCommandWritable);
  registers_.define(config::kStatus, 2, config::kStatusCapabilityList, 0, config::kStatusErrors);
  registers_.define(config::kRevision, 4, 0x06040001, 0);  // bridge, PCI to PCI
  registers_.define(config::kCacheLineSize, 1, 0, 0xff);
  registers_.define(config::kHeaderType, 1, 0x01, 0);
  registers_.define(config::kPrimaryBus, 3, 0, 0xffffff);
  registers_.define(config::kSecondaryStatus, 2, 0, 0, config::kStatusErrors);
  registers_.define(config::kMemoryBase, 4, 0, 0xfff0fff0);
  registers_.define(config::kPrefetchBase, 4, 0x00010001, 0xfff0fff0);  // 64-bit addressing
  registers_.define(config::kPrefetchBaseUpper, 4, 0, 0xffffffff);
  registers_.define(config::kPrefetchLimitUpper, 4, 0, 0xffffffff);
  registers_.define(config::kCapabilityPointer, 1, kPm, 0);
  registers_.define(config::kInterruptLine, 1, 0xff, 0xff);
  registers_.define(config::kInterruptPin, 1, 0, 0);  // ports interrupt by MSI alone
  // Parity response, SERR, secondary bus reset.
  registers_.define(config::kBridgeControl, 2, 0, 0x0043);
}

void Bridge::build_capabilities() {
  const bool downwards = has_link_below();
  // Power management, version 3: D0 and D3hot, No_Soft_Reset; no PME, so neither its enable nor its status.
  registers_.define(kPm, 4, 0x0003'0000u | (kMsi << 8) | config::kCapPowerManagement, 0);
  registers_.define(kPm + config::kPmControl, 2, config::kPmNoSoftReset, config::kPmStateMask);
  // MSI, one vector, 64-bit address.
  registers_.define(kMsi, 4, 0x0080'0000u | (kExpress << 8) | config::kCapMsi, 0x0071'0000);
  registers_.define(kMsi + 4, 4, 0, 0xffff'fffc);
  registers_.define(kMsi + 8, 4, 0, 0xffff'ffff);
  registers_.define(kMsi + 12, 2, 0, 0xffff);
  // PCI Express, version 2.
  const std::uint32_t slot = downwards ? 0x0100u : 0u;
  registers_.define(kExpress, 2, (kSubsystem << 8) | config::kCapExpress, 0);
  registers_.define(kExpress + config::kExpressFlags, 2, 0x0002u | (port_type(identity_.kind) << 4) | slot, 0);
  registers_.define(kExpress + config::kExpressDeviceCapabilities, 4, 0x0000'8020u | identity_.max_payload_supported,
                    0);
  registers_.define(kExpress + config::kExpressDeviceControl, 2, 0x2810,
                    config::kDeviceControlErrorReporting | config::kDeviceControlMaxPayload |
                        config::kDeviceControlMaxReadRequest | config::kDeviceControlRelaxedOrdering |
                        config::kDeviceControlExtendedTag | config::kDeviceControlNoSnoop);
  registers_.define(kExpress + config::kExpressDeviceStatus, 2, 0, 0, config::kDeviceStatusErrors);
  registers_.define(kExpress + config::kExpressLinkControl, 2, 0,
                    0x0fc3 | (downwards ? kLinkControlDisable | kLinkControlRetrain : 0));
  if (downwards) {
    registers_.define(kExpress + config::kExpressSlotCapabilities, 4,
                      ((identity_.port + 1) << 19) | kSlotPowerController | kSlotNoCommandCompleted, 0);
    registers_.define(kExpress + config::kExpressLinkStatus, 2, 0, 0, kLinkStatusBandwidthManagement);
    registers_.define(kExpress + config::kExpressSlotControl, 2, kSlotIndicatorsOff, 0x1fff);
    registers_.define(kExpress + config::kExpressSlotControl + 2, 2, 0, 0, 0x011f);
  }
  // Root Capabilities says nothing of retry status, so its visibility cannot be enabled (PCIe 5.0, 7.5.3.12).
  if (identity_.kind == FunctionKind::RootPort) registers_.define(kExpress + config::kExpressRootControl, 2, 0, 0x000f);
  // LTR Mechanism Supported, ARI Forwarding Supported.
  registers_.define(kExpress + config::kExpressDeviceCapabilities2, 4, 0x800u | (downwards ? 0x20u : 0u), 0);
  registers_.define(kExpress + config::kExpressDeviceControl2, 2, 0,
                    config::kDeviceControl2Ltr | (downwards ? config::kDeviceControl2Ari : 0u));
  // Subsystem identification (PCI bridge 1.2, 3.2.5.13).
  registers_.define(kSubsystem, 4, 0x000d, 0);
  registers_.define(kSubsystem + 4, 4, (std::uint32_t{device_id(identity_.kind)} << 16) | kVendor, 0);
  if (downwards) dpc_.define();
}

void Bridge::set_link_below(Link& link) {
  below_ = &link;
  build_link_registers(link);
}

void Bridge::set_link_above(Link& link) {
  above_ = &link;
  build_link_registers(link);
}

// What follows from the generation of the link (PCIe 5.0, 7.5.3.18 and 7.5.3.19).
void Bridge::build_link_registers(const Link& link) {
  const unsigned generation = link.config().generation;
  registers_.define(kExpress + config::kExpressLinkCapabilities2, 4, (2u << generation) - 2);
  const unsigned control = kExpress + config::kExpressLinkControl2;
  registers_.define(control, 2, generation, 0x000f, 0, RegisterFile::Keep::Sticky);
  registers_.power_on(kExpress + config::kExpressLinkCapabilities2, 4);
  registers_.power_on(control, 2);
}

}  // namespace holdover::sim
