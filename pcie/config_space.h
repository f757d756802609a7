// SPDX-License-Identifier: MIT
// Offsets and fields of configuration space (PCIe 5.0, chapter 7; names as in linux/pci_regs.h where it has one).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace holdover::pcie::config {

inline constexpr unsigned kSpaceBytes = 4096;

// Common header.
inline constexpr unsigned kVendorId = 0x00;
inline constexpr unsigned kDeviceId = 0x02;
inline constexpr unsigned kCommand = 0x04;
inline constexpr unsigned kStatus = 0x06;
inline constexpr unsigned kRevision = 0x08;
inline constexpr unsigned kClassCode = 0x09;
inline constexpr unsigned kCacheLineSize = 0x0c;
inline constexpr unsigned kLatencyTimer = 0x0d;
inline constexpr unsigned kHeaderType = 0x0e;
inline constexpr unsigned kBist = 0x0f;
inline constexpr unsigned kBar0 = 0x10;
inline constexpr unsigned kCapabilityPointer = 0x34;
inline constexpr unsigned kInterruptLine = 0x3c;
inline constexpr unsigned kInterruptPin = 0x3d;

// Type 0.
inline constexpr unsigned kSubsystemVendorId = 0x2c;
inline constexpr unsigned kSubsystemId = 0x2e;
inline constexpr unsigned kRomBar = 0x30;

// Type 1.
inline constexpr unsigned kPrimaryBus = 0x18;
inline constexpr unsigned kSecondaryBus = 0x19;
inline constexpr unsigned kSubordinateBus = 0x1a;
inline constexpr unsigned kSecondaryLatencyTimer = 0x1b;
inline constexpr unsigned kIoBase = 0x1c;
inline constexpr unsigned kIoLimit = 0x1d;
inline constexpr unsigned kSecondaryStatus = 0x1e;
inline constexpr unsigned kMemoryBase = 0x20;
inline constexpr unsigned kMemoryLimit = 0x22;
inline constexpr unsigned kPrefetchBase = 0x24;
inline constexpr unsigned kPrefetchLimit = 0x26;
inline constexpr unsigned kPrefetchBaseUpper = 0x28;
inline constexpr unsigned kPrefetchLimitUpper = 0x2c;
inline constexpr unsigned kIoBaseUpper = 0x30;
inline constexpr unsigned kIoLimitUpper = 0x32;
inline constexpr unsigned kBridgeRomBar = 0x38;
inline constexpr unsigned kBridgeControl = 0x3e;

// COMMAND.
inline constexpr std::uint16_t kCommandIo = 1u << 0;
inline constexpr std::uint16_t kCommandMemory = 1u << 1;
inline constexpr std::uint16_t kCommandBusMaster = 1u << 2;
inline constexpr std::uint16_t kCommandParity = 1u << 6;
inline constexpr std::uint16_t kCommandSerr = 1u << 8;
inline constexpr std::uint16_t kCommandIntxDisable = 1u << 10;

// STATUS.
inline constexpr std::uint16_t kStatusInterrupt = 1u << 3;
inline constexpr std::uint16_t kStatusCapabilityList = 1u << 4;
inline constexpr std::uint16_t kStatusSignaledTargetAbort = 1u << 11;
inline constexpr std::uint16_t kStatusSystemError = 1u << 14;  // signaled; in Secondary Status: received
inline constexpr std::uint16_t kStatusErrors = 0xf900;         // RW1C error bits

// Bridge Control.
inline constexpr std::uint16_t kBridgeControlParity = 1u << 0;
inline constexpr std::uint16_t kBridgeControlSerr = 1u << 1;
inline constexpr std::uint16_t kBridgeControlMasterAbort = 1u << 5;
inline constexpr std::uint16_t kBridgeControlSecondaryReset = 1u << 6;

// Capability identifiers.
inline constexpr std::uint8_t kCapPowerManagement = 0x01;
inline constexpr std::uint8_t kCapMsi = 0x05;
inline constexpr std::uint8_t kCapVendor = 0x09;
inline constexpr std::uint8_t kCapSubsystem = 0x0d;  // of a bridge
inline constexpr std::uint8_t kCapExpress = 0x10;
inline constexpr std::uint8_t kCapMsix = 0x11;
inline constexpr std::uint16_t kExtCapAer = 0x0001;
inline constexpr std::uint16_t kExtCapSerialNumber = 0x0003;
inline constexpr std::uint16_t kExtCapVendor = 0x000b;
inline constexpr std::uint16_t kExtCapAcs = 0x000d;
inline constexpr std::uint16_t kExtCapAri = 0x000e;
inline constexpr std::uint16_t kExtCapSriov = 0x0010;
inline constexpr std::uint16_t kExtCapDpc = 0x001d;

// Power management capability.
inline constexpr unsigned kPmControl = 4;
inline constexpr std::uint16_t kPmStateMask = 0x0003;
inline constexpr std::uint16_t kPmNoSoftReset = 1u << 3;
inline constexpr std::uint16_t kPmPmeEnable = 1u << 8;
inline constexpr std::uint16_t kPmPmeStatus = 1u << 15;
inline constexpr unsigned kPmCapabilities = 2;
inline constexpr std::uint16_t kPmCapabilitiesPme = 0xf800;  // states from which PME can be signalled

// Subsystem capability of a bridge.
inline constexpr unsigned kBridgeSubsystemVendorId = 4;

// MSI capability.
inline constexpr unsigned kMsiControl = 2;
inline constexpr unsigned kMsiAddressLow = 4;
inline constexpr unsigned kMsiAddressHigh = 8;  // 64-bit only; what follows stands 4 bytes lower without it
inline constexpr unsigned kMsiData = 12;
inline constexpr unsigned kMsiMask = 16;
inline constexpr std::uint16_t kMsiControlEnable = 1u << 0;
inline constexpr std::uint16_t kMsiControlCount = 0x0070;  // vectors in use, as a power of two
inline constexpr std::uint16_t kMsiControlWide = 1u << 7;
inline constexpr std::uint16_t kMsiControlMaskable = 1u << 8;

// MSI-X capability.
inline constexpr unsigned kMsixControl = 2;
inline constexpr unsigned kMsixTable = 4;
inline constexpr unsigned kMsixPba = 8;
inline constexpr std::uint16_t kMsixControlFunctionMask = 1u << 14;
inline constexpr std::uint16_t kMsixControlEnable = 1u << 15;
inline constexpr std::uint16_t kMsixControlTableSize = 0x07ff;

// PCI Express capability, version 2.
inline constexpr unsigned kExpressFlags = 0x02;
inline constexpr unsigned kExpressDeviceCapabilities = 0x04;
inline constexpr unsigned kExpressDeviceControl = 0x08;
inline constexpr unsigned kExpressDeviceStatus = 0x0a;
inline constexpr unsigned kExpressLinkCapabilities = 0x0c;
inline constexpr unsigned kExpressLinkControl = 0x10;
inline constexpr unsigned kExpressLinkStatus = 0x12;
inline constexpr unsigned kExpressSlotCapabilities = 0x14;
inline constexpr unsigned kExpressSlotControl = 0x18;
inline constexpr unsigned kExpressRootControl = 0x1c;
inline constexpr unsigned kExpressRootCapabilities = 0x1e;
inline constexpr unsigned kExpressRootStatus = 0x20;
inline constexpr unsigned kExpressDeviceCapabilities2 = 0x24;
inline constexpr unsigned kExpressDeviceControl2 = 0x28;
inline constexpr unsigned kExpressLinkCapabilities2 = 0x2c;  // Supported Link Speeds Vector in bits 7:1
inline constexpr unsigned kExpressLinkControl2 = 0x30;

inline constexpr std::uint16_t kDeviceControlErrorReporting = 0x000f;
inline constexpr std::uint16_t kDeviceControlNonFatal = 1u << 1;
inline constexpr std::uint16_t kDeviceControlFatal = 1u << 2;
inline constexpr std::uint16_t kDeviceControlRelaxedOrdering = 1u << 4;
inline constexpr std::uint16_t kDeviceControlMaxPayload = 0x00e0;
inline constexpr std::uint16_t kDeviceControlExtendedTag = 1u << 8;
inline constexpr std::uint16_t kDeviceControlNoSnoop = 1u << 11;
inline constexpr std::uint16_t kDeviceControlMaxReadRequest = 0x7000;
inline constexpr std::uint16_t kDeviceControlFlr = 1u << 15;
inline constexpr std::uint16_t kDeviceStatusErrors = 0x000f;
inline constexpr std::uint16_t kDeviceStatusTransactionsPending = 1u << 5;
inline constexpr std::uint32_t kDeviceCapabilitiesFlr = 1u << 28;
inline constexpr std::uint16_t kLinkControlAspm = 3;  // bit 0: L0s, bit 1: L1
inline constexpr std::uint16_t kLinkControlRcb = 1u << 3;
inline constexpr std::uint16_t kLinkControlRetrain = 1u << 5;
inline constexpr std::uint16_t kLinkControlCommonClock = 1u << 6;
inline constexpr std::uint16_t kLinkControlBandwidthInterrupts = 0x0c00;  // management, autonomous
inline constexpr std::uint16_t kLinkStatusTraining = 1u << 11;
inline constexpr std::uint16_t kLinkStatusSlotClock = 1u << 12;
inline constexpr std::uint16_t kLinkStatusActive = 1u << 13;
inline constexpr std::uint16_t kLinkStatusBandwidthManagement = 1u << 14;
inline constexpr std::uint16_t kLinkStatusBandwidth = 0xc000;  // management, autonomous
inline constexpr std::uint32_t kLinkCapabilitiesSpeed = 0xf;
inline constexpr std::uint32_t kLinkCapabilitiesAspm = 3u << 10;
inline constexpr std::uint32_t kLinkCapabilitiesBandwidthNotification = 1u << 21;
inline constexpr std::uint16_t kRootControlSystemErrors = 0x0007;
inline constexpr std::uint16_t kRootControlPmeInterrupt = 1u << 3;
inline constexpr std::uint16_t kRootControlRetryVisibility = 1u << 4;
inline constexpr std::uint16_t kRootCapabilitiesRetryVisibility = 1u << 0;
inline constexpr std::uint32_t kRootStatusPme = 1u << 16;
inline constexpr std::uint32_t kDeviceCapabilitiesExtendedTag = 1u << 5;
inline constexpr std::uint32_t kDeviceCapabilitiesRoleBased = 1u << 15;
inline constexpr std::uint32_t kDeviceCapabilities2Ari = 1u << 5;
inline constexpr std::uint32_t kDeviceCapabilities2Ltr = 1u << 11;
inline constexpr std::uint16_t kExpressFlagsInterrupt = 0x3e00;  // message number of the capability's interrupts
inline constexpr std::uint16_t kDeviceControl2Ari = 1u << 5;
inline constexpr std::uint16_t kDeviceControl2Ltr = 1u << 10;

// Advanced Error Reporting (PCIe 5.0, 7.8.4).
inline constexpr unsigned kAerUncorrectableStatus = 0x04;
inline constexpr unsigned kAerUncorrectableMask = 0x08;
inline constexpr unsigned kAerUncorrectableSeverity = 0x0c;
inline constexpr unsigned kAerCorrectableStatus = 0x10;
inline constexpr unsigned kAerCorrectableMask = 0x14;
inline constexpr unsigned kAerControl = 0x18;  // First Error Pointer in bits 4:0
inline constexpr unsigned kAerHeaderLog = 0x1c;
inline constexpr unsigned kAerRootCommand = 0x2c;
inline constexpr unsigned kAerRootStatus = 0x30;
inline constexpr unsigned kAerErrorSource = 0x34;  // of correctable errors in 15:0, of uncorrectable ones in 31:16
inline constexpr std::uint32_t kAerRootCommandInterrupts = 0x7;  // correctable, non-fatal, fatal
inline constexpr std::uint32_t kAerRootCorrectable = 1u << 0;
inline constexpr std::uint32_t kAerRootUncorrectable = 1u << 2;
inline constexpr std::uint32_t kAerRootFatal = 1u << 6;
inline constexpr unsigned kAerBytes = 0x48;  // with what a port may have behind the header log

inline constexpr std::uint32_t kAerDataLinkProtocol = 1u << 4;
inline constexpr std::uint32_t kAerSurpriseDown = 1u << 5;
inline constexpr std::uint32_t kAerPoisoned = 1u << 12;
inline constexpr std::uint32_t kAerCompletionTimeout = 1u << 14;
inline constexpr std::uint32_t kAerCompleterAbort = 1u << 15;
inline constexpr std::uint32_t kAerUnexpectedCompletion = 1u << 16;
inline constexpr std::uint32_t kAerMalformed = 1u << 18;
inline constexpr std::uint32_t kAerUnsupported = 1u << 20;
inline constexpr std::uint32_t kAerAcsViolation = 1u << 21;
// Correctable.
inline constexpr std::uint32_t kAerReceiverError = 1u << 0;
inline constexpr std::uint32_t kAerBadTlp = 1u << 6;
inline constexpr std::uint32_t kAerBadDllp = 1u << 7;
inline constexpr std::uint32_t kAerReplayRollover = 1u << 8;
inline constexpr std::uint32_t kAerReplayTimeout = 1u << 12;
inline constexpr std::uint32_t kAerAdvisoryNonFatal = 1u << 13;

// Downstream Port Containment (PCIe 5.0, 7.9.15).
inline constexpr unsigned kDpcCapability = 0x04;
inline constexpr unsigned kDpcControl = 0x06;
inline constexpr unsigned kDpcStatus = 0x08;
inline constexpr unsigned kDpcSource = 0x0a;
inline constexpr std::uint16_t kDpcControlTriggerEnable = 0x0003;  // 1: on ERR_FATAL; 2: on ERR_NONFATAL as well
inline constexpr std::uint16_t kDpcControlCompletion = 1u << 2;    // refused requests are unsupported, not aborted
inline constexpr std::uint16_t kDpcControlInterruptEnable = 1u << 3;
inline constexpr std::uint16_t kDpcControlSoftwareTrigger = 1u << 6;
inline constexpr std::uint16_t kDpcStatusTrigger = 1u << 0;
inline constexpr std::uint16_t kDpcStatusInterrupt = 1u << 3;

// Access Control Services (PCIe 5.0, 7.7.8).
inline constexpr unsigned kAcsCapability = 0x04;
inline constexpr unsigned kAcsControl = 0x06;
// Source validation, request and completion redirect, upstream forwarding.
inline constexpr std::uint16_t kAcsIsolation = 0x001d;

// ARI capability: next function number in bits 15:8 of the double word behind the header.
inline constexpr unsigned kAriCapability = 0x04;

// Names of the bits that are set in Uncorrectable or Correctable Error Status: «Malformed TLP, Completer Abort».
[[nodiscard]] std::string aer_uncorrectable_names(std::uint32_t status);
[[nodiscard]] std::string aer_correctable_names(std::uint32_t status);

// Device/port type in the PCI Express flags register, bits 7:4.
inline constexpr unsigned kPortTypeEndpoint = 0x0;
inline constexpr unsigned kPortTypeRootPort = 0x4;
inline constexpr unsigned kPortTypeSwitchUpstream = 0x5;
inline constexpr unsigned kPortTypeSwitchDownstream = 0x6;

// Name of the register that a byte offset of the first 64 bytes lies in, for people; «0x44» style beyond.
[[nodiscard]] std::string_view header_register_name(unsigned offset, bool bridge);

}  // namespace holdover::pcie::config
