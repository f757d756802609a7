// SPDX-License-Identifier: MIT
#include "sim/bridge_dpc.h"

#include "pcie/config_space.h"

namespace holdover::sim {
namespace {

namespace config = pcie::config;

constexpr std::uint16_t kSoftwareTriggerSupported = 1u << 7;
constexpr std::uint16_t kControlWritable =
    config::kDpcControlTriggerEnable | config::kDpcControlCompletion | config::kDpcControlInterruptEnable;
// Trigger Enable.
constexpr unsigned kOnFatal = 1;
constexpr unsigned kOnAnyUncorrectable = 2;
// Trigger Reason, bits 2:1, and its extension, bits 6:5.
constexpr std::uint16_t kReasonOwnError = 0;
constexpr std::uint16_t kReasonNonFatal = 1u << 1;
constexpr std::uint16_t kReasonFatal = 2u << 1;
constexpr std::uint16_t kReasonSoftware = (3u << 1) | (1u << 5);
constexpr std::uint16_t kReasons = 0x0066;

}  // namespace

void BridgeDpc::define() {
  constexpr auto kSticky = RegisterFile::Keep::Sticky;
  registers_.define(at_, 4, 0x0001'0000u | config::kExtCapDpc);
  registers_.define(at_ + config::kDpcCapability, 2, kSoftwareTriggerSupported);
  registers_.define(at_ + config::kDpcControl, 2, 0, kControlWritable);
  registers_.define(at_ + config::kDpcStatus, 2, 0, 0, config::kDpcStatusTrigger | config::kDpcStatusInterrupt,
                    kSticky);
  registers_.define(at_ + config::kDpcSource, 2, 0, 0, 0, kSticky);
}

bool BridgeDpc::contains() const {
  return (registers_.word(at_ + config::kDpcStatus) & config::kDpcStatusTrigger) != 0;
}

bool BridgeDpc::aborts() const {
  return contains() && (registers_.word(at_ + config::kDpcControl) & config::kDpcControlCompletion) == 0;
}

bool BridgeDpc::wants_interrupt() const {
  return (registers_.word(at_ + config::kDpcControl) & config::kDpcControlInterruptEnable) != 0 &&
         (registers_.word(at_ + config::kDpcStatus) & config::kDpcStatusInterrupt) != 0;
}

bool BridgeDpc::on_message(std::uint8_t code, pcie::RequesterId requester) {
  if (code == pcie::kMessageErrorCorrectable) return false;
  const bool fatal = code == pcie::kMessageErrorFatal;
  return trigger(fatal, fatal ? kReasonFatal : kReasonNonFatal, requester);
}

bool BridgeDpc::on_own_error(bool fatal) { return trigger(fatal, kReasonOwnError, 0); }

bool BridgeDpc::on_write(unsigned offset, unsigned byte_enables, std::uint32_t data) {
  if (offset != at_ + config::kDpcCapability || contains()) return false;
  // Software Trigger reads 0, so it is no part of what is stored.
  const bool written = (byte_enables & 4) != 0 && (data >> 16 & config::kDpcControlSoftwareTrigger) != 0;
  const bool enabled = (registers_.word(at_ + config::kDpcControl) & config::kDpcControlTriggerEnable) != 0;
  if (!written || !enabled) return false;
  contain(kReasonSoftware, 0);
  return true;
}

bool BridgeDpc::trigger(bool fatal, std::uint16_t reason, pcie::RequesterId source) {
  const unsigned enable = registers_.word(at_ + config::kDpcControl) & config::kDpcControlTriggerEnable;
  if (contains() || !(enable == kOnAnyUncorrectable || (fatal && enable == kOnFatal))) return false;
  contain(reason, source);
  return true;
}

void BridgeDpc::contain(std::uint16_t reason, pcie::RequesterId source) {
  const bool interrupts = (registers_.word(at_ + config::kDpcControl) & config::kDpcControlInterruptEnable) != 0;
  unsigned status = registers_.word(at_ + config::kDpcStatus) & ~unsigned{kReasons};
  status |= unsigned{reason} | config::kDpcStatusTrigger;
  if (interrupts) status |= config::kDpcStatusInterrupt;
  registers_.set_word(at_ + config::kDpcStatus, static_cast<std::uint16_t>(status));
  registers_.set_word(at_ + config::kDpcSource, source);
}

}  // namespace holdover::sim
