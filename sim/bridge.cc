// SPDX-License-Identifier: MIT
#include "sim/bridge.h"

#include <bit>

#include "sim/aspm.h"
#include "sim/bridge_layout.h"

namespace holdover::sim {
namespace {

namespace config = pcie::config;
using namespace bridge_layout;

// ASPM Support, its exit latencies, ASPM Optionality Compliance.
constexpr std::uint32_t kLinkCapabilitiesAspm =
    (kAspmAll << 10) | (kL0sExitEncoded << 12) | (kL1ExitEncoded << 15) | (1u << 22);
// Of ports with a link below: surprise down error reporting, data link layer link active reporting, link bandwidth
// notification.
constexpr std::uint32_t kLinkCapabilitiesBelow = (1u << 19) | (1u << 20) | (1u << 21);
constexpr std::uint16_t kSlotControlPowerOff = 1u << 10;
constexpr std::uint16_t kSlotStatusPresence = 1u << 6;
constexpr std::uint16_t kSlotStatusLinkChanged = 1u << 8;
constexpr std::uint16_t kStatusMasterParity = 1u << 8;
constexpr std::uint16_t kStatusParity = 1u << 15;
constexpr std::uint16_t kMsiEnable = 1u << 0;

constexpr std::uint32_t kState = config::kPmStateMask;

// A power state that ports do not support: D1 or D2. Such a write completes, and the state stays (PCIe 5.0, 7.5.2.2).
bool discards_state(unsigned offset, std::uint32_t data) {
  constexpr std::uint32_t kD3Hot = 3;
  return offset == kPm + config::kPmControl && (data & kState) != 0 && (data & kState) != kD3Hot;
}

unsigned status_of(Bridge::Side side) {
  return side == Bridge::Side::Primary ? config::kStatus : config::kSecondaryStatus;
}

}  // namespace

Bridge::Bridge(const Scheduler& scheduler, Witness& witness, const Identity& identity)
    : scheduler_(scheduler),
      witness_(witness),
      identity_(identity),
      device_(identity.device),
      aer_(registers_, {kAer, has_link_below() ? kAcs : 0, kExpress, identity.kind == FunctionKind::RootPort}),
      acs_(registers_, kAcs, has_link_below() ? kDpc : 0, has_link_below()),
      dpc_(registers_, kDpc) {
  build_header();
  build_capabilities();
  registers_.power_on();
}

std::uint32_t Bridge::read(unsigned offset) const {
  offset &= 0xffcu;
  std::uint32_t value = registers_.dword(offset);
  // Link and slot: wires, not registers.
  const Link* link = has_link_below() ? below_ : above_;
  if (link == nullptr) return value;
  const std::uint32_t speed_width = link->config().generation | (link->config().lanes << 4);
  if (offset == kExpress + config::kExpressLinkCapabilities) {
    value |=
        speed_width | kLinkCapabilitiesAspm | (has_link_below() ? kLinkCapabilitiesBelow : 0) | (identity_.port << 24);
  } else if (offset == kExpress + config::kExpressLinkControl) {
    // One reference clock for the whole machine. The speed of a link that is down may be any (PCIe 5.0, 7.5.3.8).
    constexpr std::uint32_t kSlowest = 1;
    std::uint32_t status = (link->is_up() ? speed_width : kSlowest) | config::kLinkStatusSlotClock;
    if (has_link_below()) {
      if (link->is_up()) status |= config::kLinkStatusActive;
      if (link->is_training()) status |= config::kLinkStatusTraining;
    }
    value |= status << 16;
  } else if (offset == kExpress + config::kExpressSlotControl && has_link_below()) {
    if (link->is_occupied()) value |= std::uint32_t{kSlotStatusPresence} << 16;
  }
  return value;
}

void Bridge::write(unsigned offset, unsigned byte_enables, std::uint32_t data) {
  offset &= 0xffcu;
  const std::uint32_t before = read(offset);
  registers_.write(offset, byte_enables, discards_state(offset, data) ? (data & ~kState) | (before & kState) : data);
  const std::uint32_t stored = registers_.dword(offset);
  take_effect(offset, before, stored, byte_enables, data);
  witness_.on_config_write(ConfigWrite{scheduler_.now(), identity_.index, static_cast<std::uint16_t>(offset),
                                       static_cast<std::uint8_t>(byte_enables), data, before, read(offset)});
  update_interrupt();
}

void Bridge::take_effect(unsigned offset, std::uint32_t before, std::uint32_t after, unsigned byte_enables,
                         std::uint32_t data) {
  if (offset == (config::kBridgeControl & 0xffcu)) {
    const std::uint32_t bit = std::uint32_t{config::kBridgeControlSecondaryReset} << 16;
    if (((before ^ after) & bit) != 0) {
      const bool asserted = (after & bit) != 0;
      if (has_link_below() && below_ != nullptr) below_->set_hot_reset(asserted);
      if (reset_listener_ != nullptr) reset_listener_->on_secondary_reset(asserted);
    }
  } else if (offset == kExpress + config::kExpressLinkControl && !has_link_below()) {
    apply_aspm();
  } else if (offset == kExpress + config::kExpressLinkControl && below_ != nullptr) {
    apply_aspm();
    apply_link_disable();
    if ((byte_enables & 1) != 0 && (data & kLinkControlRetrain) != 0) below_->recover();
    // Retrain Link reads 0 (PCIe 5.0, 7.5.3.7).
    const unsigned control = kExpress + config::kExpressLinkControl;
    registers_.set_word(control, static_cast<std::uint16_t>(registers_.word(control) & ~unsigned{kLinkControlRetrain}));
  } else if (offset == kExpress + config::kExpressSlotControl && has_link_below() && below_ != nullptr) {
    below_->set_power((after & kSlotControlPowerOff) == 0);
  } else if (offset == kExpress + config::kExpressDeviceControl && below_ != nullptr) {
    below_->set_max_payload((after >> 5) & 7);
  } else if (has_link_below() && (offset == kDpc + config::kDpcCapability || offset == kDpc + config::kDpcStatus)) {
    static_cast<void>(dpc_.on_write(offset, byte_enables, data));
    apply_link_disable();
  }
}

pcie::Tlp Bridge::complete(const pcie::Tlp& request) {
  pcie::Tlp answer;
  answer.kind = pcie::TlpKind::Completion;
  answer.requester = request.requester;
  answer.tag = request.tag;
  answer.byte_count = 4;
  const bool write_request = pcie::has_payload(request.kind);
  if (write_request && identity_.kind == FunctionKind::SwitchUpstream) {
    bus_ = static_cast<std::uint8_t>(request.target >> 8);
    device_ = static_cast<std::uint8_t>((request.target >> 3) & 0x1f);
  }
  answer.completer = bdf().requester_id();
  if ((request.target & 7) != 0) {
    answer.status = pcie::CompletionStatus::UnsupportedRequest;
    return answer;
  }
  if (write_request) {
    std::uint32_t data = 0;
    for (unsigned i = 0; i < 4; ++i) data |= std::to_integer<std::uint32_t>(request.payload[i]) << (8 * i);
    write(request.register_offset, request.first_be, data);
    return answer;
  }
  const std::uint32_t data = read(request.register_offset);
  answer.kind = pcie::TlpKind::CompletionData;
  answer.length_dw = 1;
  answer.payload.resize(4);
  for (unsigned i = 0; i < 4; ++i) answer.payload[i] = static_cast<std::byte>(data >> (8 * i));
  return answer;
}

std::uint8_t Bridge::secondary_bus() const { return registers_.byte(config::kSecondaryBus); }

bool Bridge::owns_bus(std::uint8_t bus) const {
  const std::uint8_t secondary = secondary_bus();
  return secondary != 0 && bus >= secondary && bus <= registers_.byte(config::kSubordinateBus);
}

bool Bridge::in_d0() const { return (registers_.word(kPm + config::kPmControl) & config::kPmStateMask) == 0; }

bool Bridge::bus_master() const {
  return in_d0() && (registers_.word(config::kCommand) & config::kCommandBusMaster) != 0;
}

bool Bridge::claims(std::uint64_t address) const {
  if (!in_d0() || (registers_.word(config::kCommand) & config::kCommandMemory) == 0) return false;
  const auto inside = [address](std::uint64_t base, std::uint64_t limit) {
    return address >= base && address <= (limit | 0xf'ffff);
  };
  const auto part = [this](unsigned offset) { return std::uint64_t{registers_.word(offset) & 0xfff0u} << 16; };
  const auto upper = [this](unsigned offset) {
    return (std::uint64_t{registers_.word(offset)} << 32) | (std::uint64_t{registers_.word(offset + 2)} << 48);
  };
  return inside(part(config::kMemoryBase), part(config::kMemoryLimit)) ||
         inside(part(config::kPrefetchBase) | upper(config::kPrefetchBaseUpper),
                part(config::kPrefetchLimit) | upper(config::kPrefetchLimitUpper));
}

bool Bridge::forwards_ari() const {
  return (registers_.word(kExpress + config::kExpressDeviceControl2) & config::kDeviceControl2Ari) != 0;
}

Bytes Bridge::max_payload() const {
  return Bytes{128} * (std::uint64_t{1} << ((registers_.word(kExpress + config::kExpressDeviceControl) >> 5) & 7));
}

void Bridge::note_error(std::uint32_t error, const pcie::Tlp* tlp, bool advisory) {
  const auto code = aer_.detect(error, tlp, advisory);
  const bool fatal = (registers_.dword(kAer + config::kAerUncorrectableSeverity) & error) != 0;
  if (has_link_below() && aer_.uncontained(error, advisory) && dpc_.on_own_error(fatal)) {
    apply_link_disable();
    update_interrupt();
    return;
  }
  if (code) report_error(*code);
}

void Bridge::note_bad_tlp() {
  if (const auto code = aer_.detect_correctable(config::kAerBadTlp)) report_error(*code);
}

void Bridge::report_error(std::uint8_t code) {
  if (identity_.kind == FunctionKind::RootPort) {
    aer_.receive(code, bdf().requester_id());
    update_interrupt();
    return;
  }
  pending_errors_ |= 1u << (code & 3);
  if (reports_ != nullptr) reports_->on_report(*this);
}

void Bridge::note_error_message(std::uint8_t code, pcie::RequesterId requester) {
  if (code != pcie::kMessageErrorCorrectable) {
    registers_.set_bits(config::kSecondaryStatus, config::kStatusSystemError);
  }
  if (!forwards_errors(code)) return;
  if (code != pcie::kMessageErrorCorrectable && signals_system_errors()) {
    registers_.set_bits(config::kStatus, config::kStatusSystemError);
  }
  if (identity_.kind != FunctionKind::RootPort) return;
  aer_.receive(code, requester);
  update_interrupt();
}

// The condition becoming true sends the message (PCIe 5.0, 6.1.4.3 and 6.2.4.1.2).
void Bridge::update_interrupt() {
  const bool enabled = bus_master() && (registers_.word(kMsi + 2) & kMsiEnable) != 0;
  const bool errors = enabled && aer_.wants_interrupt();
  const bool containment = enabled && has_link_below() && dpc_.wants_interrupt();
  const bool rises = (errors && !interrupt_wanted_) || (containment && !containment_wanted_);
  interrupt_wanted_ = errors;
  containment_wanted_ = containment;
  if (!rises) return;
  pending_interrupt_ = true;
  if (reports_ != nullptr) reports_->on_report(*this);
}

std::optional<pcie::Tlp> Bridge::take_report() {
  pcie::Tlp tlp;
  tlp.requester = bdf().requester_id();
  if (pending_errors_ != 0) {
    const auto which = static_cast<unsigned>(std::countr_zero(pending_errors_));
    pending_errors_ &= pending_errors_ - 1;
    tlp.kind = pcie::TlpKind::Message;
    tlp.message_code = static_cast<std::uint8_t>(pcie::kMessageErrorCorrectable + which);
    return tlp;
  }
  if (pending_latency_) {
    pending_latency_ = false;
    return latency_message(tlp.requester, latency_);
  }
  if (!pending_interrupt_) return std::nullopt;
  pending_interrupt_ = false;
  tlp.kind = pcie::TlpKind::MemoryWrite;
  tlp.address = registers_.dword(kMsi + 4) | (std::uint64_t{registers_.dword(kMsi + 8)} << 32);
  tlp.length_dw = 1;
  tlp.first_be = 0xf;
  tlp.payload.resize(4);
  const std::uint16_t data = registers_.word(kMsi + 12);
  tlp.payload[0] = static_cast<std::byte>(data);
  tlp.payload[1] = static_cast<std::byte>(data >> 8);
  return tlp;
}

bool Bridge::signals_system_errors() const { return (registers_.word(config::kCommand) & config::kCommandSerr) != 0; }

bool Bridge::forwards_errors(std::uint8_t code) const {
  if ((registers_.word(config::kBridgeControl) & config::kBridgeControlSerr) == 0) return false;
  if (code == pcie::kMessageErrorCorrectable || signals_system_errors()) return true;
  const std::uint16_t enable =
      code == pcie::kMessageErrorFatal ? config::kDeviceControlFatal : config::kDeviceControlNonFatal;
  return (registers_.word(kExpress + config::kExpressDeviceControl) & enable) != 0;
}

void Bridge::note_abort(Side side) { registers_.set_bits(status_of(side), config::kStatusSignaledTargetAbort); }

void Bridge::note_poisoned(Side side, const pcie::Tlp& tlp) {
  registers_.set_bits(status_of(side), kStatusParity);
  if (pcie::is_completion(tlp.kind)) note_data_error(side);
}

void Bridge::note_sent_poisoned(Side side, const pcie::Tlp& tlp) {
  if (!pcie::is_completion(tlp.kind)) note_data_error(side);
}

// Master Data Parity Error, where the side's parity error response is enabled.
void Bridge::note_data_error(Side side) {
  const bool enabled = side == Side::Primary
                           ? (registers_.word(config::kCommand) & config::kCommandParity) != 0
                           : (registers_.word(config::kBridgeControl) & config::kBridgeControlParity) != 0;
  if (enabled) registers_.set_bits(status_of(side), kStatusMasterParity);
}

bool Bridge::contain_error(std::uint8_t code, pcie::RequesterId requester) {
  if (!has_link_below() || !dpc_.on_message(code, requester)) return false;
  registers_.set_bits(config::kSecondaryStatus, config::kStatusSystemError);
  apply_link_disable();
  update_interrupt();
  return true;
}

void Bridge::apply_link_disable() {
  if (below_ == nullptr) return;
  below_->set_disabled((registers_.word(kExpress + config::kExpressLinkControl) & kLinkControlDisable) != 0 ||
                       contains());
}

void Bridge::apply_aspm() {
  const unsigned control = registers_.word(kExpress + config::kExpressLinkControl) & config::kLinkControlAspm;
  if (has_link_below()) {
    if (below_ != nullptr) below_->set_aspm_above(control);
  } else if (above_ != nullptr) {
    above_->set_aspm_below(control);
  }
}

bool Bridge::takes_latency() const {
  return (registers_.word(kExpress + config::kExpressDeviceControl2) & config::kDeviceControl2Ltr) != 0;
}

void Bridge::note_latency(const LatencyTolerance& tolerance) {
  latency_ = tolerance;
  if (has_link_below()) return;
  pending_latency_ = true;
  if (reports_ != nullptr) reports_->on_report(*this);
}

// PCIe 5.0, 7.5.3.16: LTR Mechanism Enable of a downstream port falls with its link.
void Bridge::note_link_down() {
  const unsigned control = kExpress + config::kExpressDeviceControl2;
  registers_.set_word(control,
                      static_cast<std::uint16_t>(registers_.word(control) & ~unsigned{config::kDeviceControl2Ltr}));
  latency_ = LatencyTolerance{};
  if (reports_ != nullptr) reports_->on_link_down();
}

void Bridge::note_retrained() {
  registers_.set_bits(kExpress + config::kExpressLinkStatus, kLinkStatusBandwidthManagement);
}

void Bridge::note_link_state() {
  registers_.set_bits(kExpress + config::kExpressSlotControl + 2, kSlotStatusLinkChanged);
}

void Bridge::reset() {
  registers_.reset();
  apply_aspm();
  latency_ = LatencyTolerance{};
  pending_latency_ = false;
  containment_wanted_ = false;
  bus_ = 0;
  pending_errors_ = 0;
  pending_interrupt_ = false;
  interrupt_wanted_ = false;
  if (has_link_below() && below_ != nullptr) {
    below_->set_max_payload(0);
    apply_link_disable();
    below_->set_power(true);
    below_->set_hot_reset(false);
  }
  if (reset_listener_ != nullptr) reset_listener_->on_secondary_reset(false);
}

}  // namespace holdover::sim
