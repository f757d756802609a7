// SPDX-License-Identifier: MIT
#include "sim/bridge_aer.h"

#include <bit>

namespace holdover::sim {
namespace {

namespace config = pcie::config;

// Device Control and Device Status.
constexpr std::uint16_t kCorrectable = 1u << 0;
constexpr std::uint16_t kNonFatal = 1u << 1;
constexpr std::uint16_t kFatal = 1u << 2;
constexpr std::uint16_t kUnsupported = 1u << 3;

// Errors that ports report or must have bits for, those that are fatal by default, and the correctable ones (PCIe 5.0,
// 7.8.4.2, 7.8.4.4 and 7.8.4.5).
constexpr std::uint32_t kErrors = config::kAerDataLinkProtocol | config::kAerSurpriseDown | config::kAerPoisoned |
                                  config::kAerCompleterAbort | config::kAerMalformed | config::kAerUnsupported |
                                  config::kAerAcsViolation;
constexpr std::uint32_t kFatalByDefault =
    config::kAerDataLinkProtocol | config::kAerSurpriseDown | config::kAerMalformed;
constexpr std::uint32_t kCorrectables = config::kAerReceiverError | config::kAerBadTlp | config::kAerBadDllp |
                                        config::kAerReplayRollover | config::kAerReplayTimeout |
                                        config::kAerAdvisoryNonFatal;

// Root Error Status.
constexpr std::uint32_t kCorReceived = 1u << 0;
constexpr std::uint32_t kMultipleCor = 1u << 1;
constexpr std::uint32_t kUncorReceived = 1u << 2;
constexpr std::uint32_t kMultipleUncor = 1u << 3;
constexpr std::uint32_t kFirstFatal = 1u << 4;
constexpr std::uint32_t kNonFatalReceived = 1u << 5;
constexpr std::uint32_t kFatalReceived = 1u << 6;
constexpr std::uint32_t kRootStatus = 0x7f;

}  // namespace

BridgeAer::BridgeAer(RegisterFile& registers, const Place& place) : registers_(registers), place_(place) {
  constexpr auto kSticky = RegisterFile::Keep::Sticky;
  const unsigned at = place.offset;
  // Version 2; the length of the list entry is not in it.
  registers_.define(at, 4, (place.next << 20) | 0x0002'0000u | config::kExtCapAer);
  registers_.define(at + config::kAerUncorrectableStatus, 4, 0, 0, kErrors, kSticky);
  registers_.define(at + config::kAerUncorrectableMask, 4, 0, kErrors, 0, kSticky);
  registers_.define(at + config::kAerUncorrectableSeverity, 4, kFatalByDefault, kErrors, 0, kSticky);
  registers_.define(at + config::kAerCorrectableStatus, 4, 0, 0, kCorrectables, kSticky);
  registers_.define(at + config::kAerCorrectableMask, 4, config::kAerAdvisoryNonFatal, kCorrectables, 0, kSticky);
  registers_.define(at + config::kAerControl, 4, 0, 0, 0, kSticky);
  for (unsigned word = 0; word < 4; ++word)
    registers_.define(at + config::kAerHeaderLog + 4 * word, 4, 0, 0, 0, kSticky);
  if (!place.root) return;
  registers_.define(at + config::kAerRootCommand, 4, 0, 0x7);
  registers_.define(at + config::kAerRootStatus, 4, 0, 0, kRootStatus, kSticky);
  registers_.define(at + config::kAerErrorSource, 4, 0, 0, 0, kSticky);
}

bool BridgeAer::uncontained(std::uint32_t error, bool advisory) const {
  const bool fatal = (registers_.dword(place_.offset + config::kAerUncorrectableSeverity) & error) != 0;
  const bool masked = (registers_.dword(place_.offset + config::kAerUncorrectableMask) & error) != 0;
  return !masked && (fatal || !advisory);
}

// PCIe 5.0, 6.2.5.
std::optional<std::uint8_t> BridgeAer::detect(std::uint32_t error, const pcie::Tlp* tlp, bool advisory) {
  const unsigned at = place_.offset;
  const bool fatal = (registers_.dword(at + config::kAerUncorrectableSeverity) & error) != 0;
  const bool correctable = advisory && !fatal;
  const std::uint16_t kind = correctable ? kCorrectable : fatal ? kFatal : kNonFatal;
  const bool unsupported = error == config::kAerUnsupported;
  registers_.set_bits(place_.express + config::kExpressDeviceStatus,
                      static_cast<std::uint16_t>(kind | (unsupported ? kUnsupported : 0)));
  if (correctable) {
    const unsigned status = at + config::kAerCorrectableStatus;
    registers_.set_dword(status, registers_.dword(status) | config::kAerAdvisoryNonFatal);
    if ((registers_.dword(at + config::kAerCorrectableMask) & config::kAerAdvisoryNonFatal) != 0) return std::nullopt;
  }
  const unsigned status = at + config::kAerUncorrectableStatus;
  const std::uint32_t before = registers_.dword(status);
  registers_.set_dword(status, before | error);
  if ((registers_.dword(at + config::kAerUncorrectableMask) & error) == 0) {
    log(error, tlp, before);
  } else if (!correctable) {
    return std::nullopt;
  }
  const std::uint16_t control = registers_.word(place_.express + config::kExpressDeviceControl);
  const bool system = (registers_.word(config::kCommand) & config::kCommandSerr) != 0;
  const bool enabled = (control & kind) != 0 && (!unsupported || (control & kUnsupported) != 0);
  if (!enabled && (correctable || !system)) return std::nullopt;
  if (!correctable && system) registers_.set_bits(config::kStatus, config::kStatusSystemError);
  return correctable ? pcie::kMessageErrorCorrectable
                     : (fatal ? pcie::kMessageErrorFatal : pcie::kMessageErrorNonFatal);
}

std::optional<std::uint8_t> BridgeAer::detect_correctable(std::uint32_t error) {
  registers_.set_bits(place_.express + config::kExpressDeviceStatus, kCorrectable);
  const unsigned status = place_.offset + config::kAerCorrectableStatus;
  registers_.set_dword(status, registers_.dword(status) | error);
  const bool masked = (registers_.dword(place_.offset + config::kAerCorrectableMask) & error) != 0;
  const bool enabled = (registers_.word(place_.express + config::kExpressDeviceControl) & kCorrectable) != 0;
  if (masked || !enabled) return std::nullopt;
  return pcie::kMessageErrorCorrectable;
}

// The header of the first error stays until its status bit is cleared.
void BridgeAer::log(std::uint32_t error, const pcie::Tlp* tlp, std::uint32_t before) {
  const unsigned control = place_.offset + config::kAerControl;
  const std::uint32_t first = registers_.dword(control) & 0x1f;
  if (before != 0 && (before >> first & 1) != 0) return;
  registers_.set_dword(control, static_cast<std::uint32_t>(std::countr_zero(error)));
  const pcie::TlpHeader header = tlp == nullptr ? pcie::TlpHeader{} : pcie::encode_header(*tlp);
  for (unsigned word = 0; word < 4; ++word) {
    registers_.set_dword(place_.offset + config::kAerHeaderLog + 4 * word, header[word]);
  }
}

void BridgeAer::receive(std::uint8_t code, pcie::RequesterId requester) {
  const unsigned at = place_.offset;
  std::uint32_t status = registers_.dword(at + config::kAerRootStatus);
  const std::uint32_t source = registers_.dword(at + config::kAerErrorSource);
  const bool correctable = code == pcie::kMessageErrorCorrectable;
  const bool fatal = code == pcie::kMessageErrorFatal;
  const std::uint32_t received = correctable ? kCorReceived : kUncorReceived;
  if ((status & received) != 0) {
    status |= correctable ? kMultipleCor : kMultipleUncor;
  } else {
    status |= received | (fatal ? kFirstFatal : 0);
    registers_.set_dword(at + config::kAerErrorSource, correctable
                                                           ? (source & 0xffff'0000) | requester
                                                           : (source & 0x0000'ffff) | (std::uint32_t{requester} << 16));
  }
  if (!correctable) status |= fatal ? kFatalReceived : kNonFatalReceived;
  registers_.set_dword(at + config::kAerRootStatus, status);
}

bool BridgeAer::wants_interrupt() const {
  if (!place_.root) return false;
  const std::uint32_t status = registers_.dword(place_.offset + config::kAerRootStatus);
  const std::uint32_t command = registers_.dword(place_.offset + config::kAerRootCommand);
  return ((command & kCorrectable) != 0 && (status & kCorReceived) != 0) ||
         ((command & kNonFatal) != 0 && (status & kNonFatalReceived) != 0) ||
         ((command & kFatal) != 0 && (status & kFatalReceived) != 0);
}

}  // namespace holdover::sim
