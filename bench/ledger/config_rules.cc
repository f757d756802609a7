// SPDX-License-Identifier: MIT
#include "bench/ledger/config_rules.h"

#include <array>

#include "pcie/config_space.h"

namespace holdover::bench {

namespace config = pcie::config;

std::vector<NeverField> never_fields(const ConfigShadow& function) {
  constexpr Evidence::Checks kTraffic = Evidence::kTraffic;
  constexpr unsigned kSteady = 7;  // invariant
  constexpr Evidence::Checks kMastering =
      Evidence::checks({Check::Continuity, Check::Interrupts, Check::Protocol, Check::Handover});
  constexpr Evidence::Checks kInterrupts = Evidence::checks({Check::Interrupts, Check::Handover});
  constexpr Evidence::Checks kRequests = Evidence::checks({Check::Protocol, Check::Continuity});
  std::vector<NeverField> fields = {
      {config::kCommand, config::kCommandBusMaster, "bus master enable", false, kMastering, kSteady}};
  if (function.bridge()) {
    fields.push_back({config::kPrimaryBus, 0x00ff'ffff, "bus numbers", false, kTraffic, kSteady});
    fields.push_back({config::kMemoryBase, 0xfff0'fff0, "memory window", false,
                      Evidence::checks({Check::Protocol, Check::Handover})});
    fields.push_back(
        {0x3c, std::uint32_t{config::kBridgeControlSecondaryReset} << 16, "secondary bus reset", false, kTraffic});
  }
  if (function.power()) {
    fields.push_back({*function.power() + config::kPmControl, config::kPmStateMask, "power state", false,
                      kMastering | Evidence::checks({Check::ResetAndLink})});
  }
  if (const auto express = function.express()) {
    const unsigned control = *express + config::kExpressDeviceControl;
    fields.push_back({control, config::kDeviceControlMaxPayload, "max payload size", false, kRequests});
    fields.push_back({control, config::kDeviceControlMaxReadRequest, "max read request size", false, kRequests});
    fields.push_back({control, config::kDeviceControlExtendedTag, "extended tag enable", false, kRequests});
    fields.push_back({control, config::kDeviceControlRelaxedOrdering, "relaxed ordering enable", false, kRequests});
    if (!function.bridge())
      fields.push_back({control, config::kDeviceControlFlr, "initiate function level reset", true, kTraffic});
    fields.push_back({*express + config::kExpressLinkControl, config::kLinkControlRcb, "read completion boundary",
                      false, kRequests});
    fields.push_back({*express + config::kExpressDeviceControl2, config::kDeviceControl2Ari, "ARI forwarding enable",
                      false, kTraffic, kSteady});
  }
  if (function.acs()) fields.push_back({*function.acs() + 4, 0xffff'0000, "ACS control", false, kTraffic, kSteady});
  if (function.dpc()) {
    const unsigned control = *function.dpc() + config::kDpcCapability;
    fields.push_back({control, std::uint32_t{config::kDpcControlSoftwareTrigger} << 16,
                      "downstream port containment trigger", true, kTraffic});
  }
  if (function.aer()) {
    const unsigned aer = *function.aer();
    fields.push_back({aer + config::kAerUncorrectableMask, ~0u, "uncorrectable error mask", false, 0});
    fields.push_back({aer + config::kAerUncorrectableSeverity, ~0u, "uncorrectable error severity", false, 0});
    fields.push_back({aer + config::kAerCorrectableMask, ~0u, "correctable error mask", false, 0});
  }
  if (function.msix()) {
    fields.push_back({*function.msix(), std::uint32_t{config::kMsixControlEnable} << 16, "MSI-X enable", false,
                      kInterrupts, 0, true});
  }
  return fields;
}

std::optional<SizedRegister> sized_register(const ConfigShadow& function, unsigned offset) {
  constexpr std::uint32_t kBarOnes = 0xffff'f800;
  constexpr SizedRegister kBar{kBarOnes, kBarOnes};
  if (!function.bridge()) {
    const bool bar = (offset >= config::kBar0 && offset < 0x28) || offset == config::kRomBar;
    return bar ? std::optional(kBar) : std::nullopt;
  }
  if ((offset >= config::kBar0 && offset < 0x18) || offset == config::kBridgeRomBar) return kBar;
  switch (offset) {
    case config::kIoBase:
      return SizedRegister{0xffff, 0xe0f0};
    case config::kPrefetchBase:
      return SizedRegister{~0u, 0xffe0'fff0};
    case config::kPrefetchBaseUpper:
      return SizedRegister{~0u, ~0u};
    case config::kPrefetchLimitUpper:  // the window is closed while its other registers are written
      return SizedRegister{~0u, 0};
    case config::kIoBaseUpper:
      return SizedRegister{0xffff, 0xffff};
    default:
      return std::nullopt;
  }
}

std::uint32_t exempt_bits(const ConfigShadow& function, unsigned offset) {
  constexpr std::uint32_t kStatus = (std::uint32_t{config::kStatusErrors} | config::kStatusInterrupt) << 16;
  if (offset == config::kCommand) return kStatus;
  if (offset == 0x3c) return 0xff;
  if (offset == config::kIoBase && function.bridge()) return std::uint32_t{config::kStatusErrors} << 16;
  if (function.power() && offset == *function.power() + config::kPmControl) return config::kPmPmeStatus;
  if (const auto express = function.express(); express && offset >= *express && offset < *express + 0x3c) {
    switch (offset - *express) {
      case config::kExpressDeviceControl:
        return 0x006f'0000;
      case config::kExpressLinkControl:
        return 0xc800'0000;
      case config::kExpressSlotControl:
        return 0x011f'0000;
      case 0x20:
        return 0x0003'0000;  // Root Status: PME
      case config::kExpressLinkControl2:
        return 0x8021'0000;
      default:
        return 0;
    }
  }
  if (const auto aer = function.aer(); aer && offset >= *aer && offset < *aer + 0x48) {
    const unsigned at = offset - *aer;
    if (at == 0x04 || at == 0x10 || (at >= 0x1c && at <= 0x28) || at == 0x30 || at == 0x34 || at >= 0x38) return ~0u;
    if (at == 0x18) return 0x1f;  // First Error Pointer
  }
  // Triggered, interrupt, and what triggered it; the link says whether the port contains.
  if (const auto dpc = function.dpc(); dpc && offset == *dpc + config::kDpcStatus) return ~0u;
  return 0;
}

std::string error_bits(const ConfigShadow& function) {
  static constexpr std::array<const char*, 4> kDevice = {"Correctable Error Detected", "Non-Fatal Error Detected",
                                                         "Fatal Error Detected", "Unsupported Request Detected"};
  struct StatusBit {
    unsigned bit;
    const char* name;
  };
  static constexpr std::array<StatusBit, 6> kStatusBits = {{{8, "Master Data Parity Error"},
                                                            {11, "Signaled Target Abort"},
                                                            {12, "Received Target Abort"},
                                                            {13, "Received Master Abort"},
                                                            {14, "Signaled System Error"},
                                                            {15, "Detected Parity Error"}}};
  std::string names;
  const auto add = [&names](const char* name) { names += (names.empty() ? "" : ", ") + std::string(name); };
  const std::uint32_t status = function.at(config::kCommand) >> 16;
  for (const StatusBit& bit : kStatusBits) {
    if (((status >> bit.bit) & 1) != 0) add(bit.name);
  }
  if (const auto express = function.express()) {
    const std::uint32_t device = function.at(*express + config::kExpressDeviceControl) >> 16;
    for (unsigned bit = 0; bit < kDevice.size(); ++bit) {
      if (((device >> bit) & 1) != 0) add(kDevice[bit]);
    }
  }
  if (const auto aer = function.aer()) {
    for (const std::string& error :
         {config::aer_uncorrectable_names(function.at(*aer + config::kAerUncorrectableStatus)),
          config::aer_correctable_names(function.at(*aer + config::kAerCorrectableStatus))}) {
      if (!error.empty()) add(error.c_str());
    }
  }
  return names;
}

}  // namespace holdover::bench
