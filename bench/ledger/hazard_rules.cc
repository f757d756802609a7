// SPDX-License-Identifier: MIT
#include "bench/ledger/hazard_rules.h"

#include <array>

#include "pcie/config_space.h"

namespace holdover::bench {
namespace {

namespace config = pcie::config;
using pcie::Phase;

constexpr std::uint32_t kAll = 0xffff'ffff;
constexpr std::uint32_t kLowHalf = 0x0000'ffff;
constexpr std::uint32_t kHighHalf = 0xffff'0000;
constexpr std::uint32_t kFlr = config::kDeviceControlFlr;
constexpr std::uint32_t kMsixEnable = std::uint32_t{config::kMsixControlEnable} << 16;
constexpr std::uint32_t kMsiEnable = std::uint32_t{config::kMsiControlEnable} << 16;
constexpr std::uint32_t kRetrainLink = 1u << 5;
constexpr std::uint32_t kAriForwarding = 1u << 5;
constexpr std::uint32_t kLtrEnable = 1u << 10;
constexpr unsigned kDeviceControl2 = 0x28;
constexpr unsigned kAcsControl = 4;  // its double word; the control is the high half

bool during(const ConfigEvent& event, Phase phase) { return event.phase == phase; }
// A kernel that was entered by a kexec, from its first instruction to user space.
bool booting(const ConfigEvent& event) {
  return event.kernel > 0 && event.phase >= Phase::EarlyBoot && event.phase <= Phase::Bind;
}
bool after_boot(const ConfigEvent& event) {
  return event.kernel > 0 && (event.phase == Phase::Retrieve || event.phase == Phase::Finish);
}

bool touches(const ConfigEvent& event, std::optional<unsigned> capability, unsigned offset, std::uint32_t mask = kAll) {
  return capability && event.touches(*capability + offset, mask);
}
bool changes(const ConfigEvent& event, std::optional<unsigned> capability, unsigned offset, std::uint32_t mask) {
  return capability && event.changes(*capability + offset, mask);
}
bool initiates_reset(const ConfigEvent& event) {
  return event.before.express() && event.touches(*event.before.express() + config::kExpressDeviceControl, kFlr) &&
         (event.written(kFlr) & kFlr) != 0;
}
bool names_bar(const ConfigEvent& event) {
  return event.write.offset >= config::kBar0 && event.write.offset < config::kBar0 + (event.before.bridge() ? 8u : 24u);
}

constexpr std::array kRules{
    // ---- Before the shutdown ----
    HazardRule{"H006", Where::Endpoint,
               [](const ConfigEvent& e) { return during(e, Phase::Freeze) && initiates_reset(e); }},
    HazardRule{"H007", Where::Endpoint,
               [](const ConfigEvent& e) {
                 return during(e, Phase::Freeze) && e.touches(config::kCommand, kLowHalf) &&
                        e.written(kLowHalf) == config::kCommandIntxDisable;
               }},
    HazardRule{"H009", Where::Endpoint,
               [](const ConfigEvent& e) {
                 return e.phase <= Phase::Freeze && e.before.msix() && e.clears(*e.before.msix(), kMsixEnable);
               }},
    // ---- device_shutdown() ----
    HazardRule{"H014", Where::Endpoint,
               [](const ConfigEvent& e) {
                 return during(e, Phase::Shutdown) && e.clears(config::kCommand, config::kCommandBusMaster);
               }},
    HazardRule{"H015", Where::Bridge,
               [](const ConfigEvent& e) {
                 return during(e, Phase::Shutdown) && e.clears(config::kCommand, config::kCommandBusMaster);
               }},
    HazardRule{"H017", Where::Bridge,
               [](const ConfigEvent& e) {
                 return during(e, Phase::Shutdown) &&
                        (touches(e, e.before.express(), config::kExpressSlotControl, kLowHalf) ||
                         touches(e, e.before.express(), config::kExpressRootControl, kLowHalf) ||
                         touches(e, e.before.aer(), config::kAerRootCommand) ||
                         touches(e, e.before.dpc(), config::kDpcCapability, kHighHalf) ||
                         touches(e, e.before.msi(), 0, kHighHalf) || touches(e, e.before.msix(), 0, kHighHalf));
               }},
    HazardRule{"H018", Where::Endpoint,
               [](const ConfigEvent& e) {
                 return during(e, Phase::Shutdown) &&
                        changes(e, e.before.power(), config::kPmControl, config::kPmStateMask);
               }},
    HazardRule{"H116", Where::Endpoint,
               [](const ConfigEvent& e) {
                 return during(e, Phase::Shutdown) && e.before.msix() && e.clears(*e.before.msix(), kMsixEnable);
               }},
    // ---- Scan and bus numbers ----
    HazardRule{"H041", Where::Bridge,
               [](const ConfigEvent& e) {
                 return booting(e) && e.touches(config::kPrimaryBus, 0x00ff'ff00) &&
                        (e.write.before & 0x00ff'ff00) != 0 && (e.write.after & 0x00ff'ff00) == 0;
               }},
    HazardRule{"H042", Where::Bridge,
               [](const ConfigEvent& e) {
                 return booting(e) && e.changes(config::kPrimaryBus, 0x0000'ff00) && (e.write.after & 0x0000'ff00) != 0;
               }},
    HazardRule{"H048", Where::Bridge,
               [](const ConfigEvent& e) {
                 return booting(e) &&
                        (e.touches(config::kIoBase, kHighHalf) || e.touches(config::kInterruptLine, kHighHalf));
               }},
    // ---- pci_setup_device() ----
    HazardRule{"H056", Where::Endpoint,
               [](const ConfigEvent& e) {
                 return during(e, Phase::Enumerate) && e.changes(config::kCommand, config::kCommandIntxDisable);
               }},
    HazardRule{"H057", Where::Endpoint,
               [](const ConfigEvent& e) {
                 return during(e, Phase::Enumerate) && (e.clears(config::kCommand, config::kCommandIo) ||
                                                        e.clears(config::kCommand, config::kCommandMemory));
               }},
    HazardRule{
        "H058", Where::Endpoint,
        [](const ConfigEvent& e) { return during(e, Phase::Enumerate) && names_bar(e) && e.written(kAll) == kAll; }},
    HazardRule{"H059", Where::Endpoint,
               [](const ConfigEvent& e) {
                 return during(e, Phase::Enumerate) && e.touches(config::kRomBar, kAll) &&
                        e.written(kAll) == 0xffff'f800;
               }},
    HazardRule{"H061", Where::Bridge,
               [](const ConfigEvent& e) {
                 return during(e, Phase::Enumerate) && e.touches(config::kPrefetchBaseUpper, kAll) &&
                        e.written(kAll) == kAll;
               }},
    // ---- pci_configure_device() ----
    HazardRule{"H062", Where::Endpoint,
               [](const ConfigEvent& e) {
                 return booting(e) &&
                        changes(e, e.before.express(), config::kExpressDeviceControl, config::kDeviceControlMaxPayload);
               }},
    HazardRule{"H063", Where::Bridge,
               [](const ConfigEvent& e) {
                 return booting(e) &&
                        changes(e, e.before.express(), config::kExpressDeviceControl, config::kDeviceControlMaxPayload);
               }},
    HazardRule{"H065", Where::Endpoint,
               [](const ConfigEvent& e) {
                 return booting(e) && changes(e, e.before.express(), config::kExpressDeviceControl,
                                              config::kDeviceControlExtendedTag);
               }},
    HazardRule{"H066", Where::Endpoint,
               [](const ConfigEvent& e) {
                 return booting(e) && changes(e, e.before.express(), config::kExpressDeviceControl,
                                              config::kDeviceControlRelaxedOrdering);
               }},
    HazardRule{
        "H067", Where::Endpoint,
        [](const ConfigEvent& e) { return booting(e) && changes(e, e.before.express(), kDeviceControl2, kLtrEnable); }},
    HazardRule{"H068", Where::Endpoint,
               [](const ConfigEvent& e) {
                 return booting(e) &&
                        touches(e, e.before.express(), config::kExpressLinkControl, config::kLinkControlRcb);
               }},
    HazardRule{
        "H072", Where::Endpoint,
        [](const ConfigEvent& e) { return booting(e) && e.before.msi() && e.clears(*e.before.msi(), kMsiEnable); }},
    HazardRule{
        "H073", Where::Endpoint,
        [](const ConfigEvent& e) { return booting(e) && e.before.msix() && e.clears(*e.before.msix(), kMsixEnable); }},
    HazardRule{"H074", Where::Endpoint,
               [](const ConfigEvent& e) {
                 return during(e, Phase::Enumerate) && touches(e, e.before.power(), config::kPmControl, kLowHalf) &&
                        !changes(e, e.before.power(), config::kPmControl, config::kPmStateMask);
               }},
    HazardRule{"H075", Where::Endpoint,
               [](const ConfigEvent& e) {
                 return during(e, Phase::Enumerate) &&
                        changes(e, e.before.power(), config::kPmControl, config::kPmStateMask);
               }},
    HazardRule{"H076", Where::Bridge,
               [](const ConfigEvent& e) {
                 return booting(e) && changes(e, e.before.express(), kDeviceControl2, kAriForwarding);
               }},
    HazardRule{"H078", Where::Endpoint,
               [](const ConfigEvent& e) {
                 return during(e, Phase::Enumerate) && e.before.aer() && e.write.offset > *e.before.aer() &&
                        e.write.offset < *e.before.aer() + config::kAerHeaderLog;
               }},
    HazardRule{"H081", Where::Bridge,
               [](const ConfigEvent& e) { return booting(e) && touches(e, e.before.acs(), kAcsControl, kHighHalf); }},
    // ---- Links and resources ----
    HazardRule{"H089", Where::Bridge,
               [](const ConfigEvent& e) {
                 return booting(e) && touches(e, e.before.express(), config::kExpressLinkControl, kRetrainLink) &&
                        (e.written(kRetrainLink) & kRetrainLink) != 0;
               }},
    HazardRule{"H090", Where::Endpoint,
               [](const ConfigEvent& e) {
                 return booting(e) &&
                        changes(e, e.before.express(), config::kExpressLinkControl, config::kLinkControlAspm);
               }},
    HazardRule{
        "H095", Where::Bridge,
        [](const ConfigEvent& e) { return during(e, Phase::Enumerate) && e.touches(config::kMemoryBase, kAll); }},
    // ---- Ports and drivers ----
    HazardRule{
        "H101", Where::Bridge,
        [](const ConfigEvent& e) { return booting(e) && e.clears(config::kCommand, config::kCommandBusMaster); }},
    HazardRule{"H102", Where::Bridge,
               [](const ConfigEvent& e) {
                 return during(e, Phase::Bind) &&
                        (touches(e, e.before.msi(), 0, kHighHalf) || touches(e, e.before.msix(), 0, kHighHalf));
               }},
    HazardRule{"H108", Where::Bridge,
               [](const ConfigEvent& e) {
                 return during(e, Phase::Bind) && touches(e, e.before.aer(), config::kAerRootStatus);
               }},
    HazardRule{"H110", Where::Endpoint,
               [](const ConfigEvent& e) {
                 return e.kernel > 0 && e.phase >= Phase::Bind && e.before.power() &&
                        (e.before.at(*e.before.power() + config::kPmControl) & config::kPmStateMask) == 0 &&
                        changes(e, e.before.power(), config::kPmControl, config::kPmStateMask);
               }},
    HazardRule{"H111", Where::Endpoint,
               [](const ConfigEvent& e) {
                 return after_boot(e) && (initiates_reset(e) || e.clears(config::kCommand, config::kCommandBusMaster));
               }},
    HazardRule{"H112", Where::Endpoint,
               [](const ConfigEvent& e) {
                 return e.kernel > 0 && e.phase >= Phase::Bind &&
                        e.clears(config::kCommand, config::kCommandIntxDisable);
               }},
    HazardRule{"H115", Where::Endpoint,
               [](const ConfigEvent& e) {
                 return after_boot(e) && e.before.msix() && e.touches(*e.before.msix(), kMsixEnable) &&
                        (e.written(kHighHalf) & kMsixEnable) != 0;
               }},
    HazardRule{"H119", Where::Endpoint,
               [](const ConfigEvent& e) { return initiates_reset(e) && !during(e, Phase::Freeze) && !after_boot(e); }},
    HazardRule{"H121", Where::Bridge,
               [](const ConfigEvent& e) {
                 return e.sets(config::kInterruptLine, std::uint32_t{config::kBridgeControlSecondaryReset} << 16);
               }},
};

}  // namespace

std::uint32_t ConfigEvent::enabled() const {
  std::uint32_t mask = 0;
  for (unsigned byte = 0; byte < 4; ++byte) {
    if (((write.byte_enables >> byte) & 1) != 0) mask |= 0xffu << (8 * byte);
  }
  return mask;
}

bool ConfigEvent::touches(unsigned offset, std::uint32_t mask) const {
  return write.offset == (offset & ~3u) && (enabled() & mask << (8 * (offset & 3u))) != 0;
}

bool ConfigEvent::changes(unsigned offset, std::uint32_t mask) const {
  const std::uint32_t at = mask << (8 * (offset & 3u));
  return write.offset == (offset & ~3u) && ((write.before ^ write.after) & at) != 0;
}

bool ConfigEvent::clears(unsigned offset, std::uint32_t mask) const {
  const std::uint32_t at = mask << (8 * (offset & 3u));
  return write.offset == (offset & ~3u) && (write.before & ~write.after & at) != 0;
}

bool ConfigEvent::sets(unsigned offset, std::uint32_t mask) const {
  const std::uint32_t at = mask << (8 * (offset & 3u));
  return write.offset == (offset & ~3u) && (~write.before & write.after & at) != 0;
}

std::uint32_t ConfigEvent::written(std::uint32_t mask) const { return write.written & enabled() & mask; }

std::span<const HazardRule> hazard_rules() { return kRules; }

}  // namespace holdover::bench
