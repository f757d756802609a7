// SPDX-License-Identifier: MIT
#include "bench/ledger/hazard_census.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "bench/ledger/hazard_rules.h"
#include "pcie/vtd.h"

namespace holdover::bench {
namespace {

using pcie::Phase;

constexpr std::array kEntries{
    HazardEntry{"H006", "freeze() resets the function"},
    HazardEntry{"H007", "freeze() leaves COMMAND with INTx Disable only"},
    HazardEntry{"H009", "MSI-X is switched off before the freeze"},
    HazardEntry{"H014", "bus mastering of the endpoint is switched off at shutdown"},
    HazardEntry{"H015", "bus mastering of a bridge above it is switched off at shutdown"},
    HazardEntry{"H017", "a port's services are shut down"},
    HazardEntry{"H018", "the function is resumed at shutdown"},
    HazardEntry{"H024", "the interrupt controller is switched off"},
    HazardEntry{"H025", "address translation is switched off at shutdown"},
    HazardEntry{"H032", "the next kernel sets tables of its own for address translation, or switches it off"},
    HazardEntry{"H035", "the next kernel replaces interrupt remapping, or switches it off"},
    HazardEntry{"H041", "a bridge's bus numbers are cleared"},
    HazardEntry{"H042", "a bridge gets other bus numbers"},
    HazardEntry{"H048", "a bridge's control and status are written by the scan"},
    HazardEntry{"H056", "INTx Disable is inverted and restored"},
    HazardEntry{"H057", "decoding is off while BARs are sized"},
    HazardEntry{"H058", "a BAR holds all ones for a moment"},
    HazardEntry{"H059", "the expansion ROM BAR is sized"},
    HazardEntry{"H061", "a bridge's prefetchable window is told a test value"},
    HazardEntry{"H062", "Max_Payload_Size of the endpoint changes"},
    HazardEntry{"H063", "Max_Payload_Size of a bridge changes"},
    HazardEntry{"H065", "extended tags are switched on or off"},
    HazardEntry{"H066", "relaxed ordering is switched on or off"},
    HazardEntry{"H067", "latency tolerance reporting is switched on or off"},
    HazardEntry{"H068", "the read completion boundary is written"},
    HazardEntry{"H072", "MSI is switched off by the next kernel"},
    HazardEntry{"H073", "MSI-X is switched off by the next kernel"},
    HazardEntry{"H074", "PME status and enable are written"},
    HazardEntry{"H075", "the function is powered up by the scan"},
    HazardEntry{"H076", "ARI forwarding is switched on or off"},
    HazardEntry{"H078", "AER status, mask or severity is written"},
    HazardEntry{"H081", "ACS Control of a bridge is written"},
    HazardEntry{"H085", "the endpoint is given another translation domain"},
    HazardEntry{"H089", "a link is retrained"},
    HazardEntry{"H090", "ASPM is switched on or off"},
    HazardEntry{"H095", "a bridge's windows are written"},
    HazardEntry{"H101", "the next kernel switches bus mastering of a bridge off"},
    HazardEntry{"H102", "a port's own interrupt is set up"},
    HazardEntry{"H108", "a root port's error status is cleared"},
    HazardEntry{"H110", "the function is put to sleep"},
    HazardEntry{"H111", "the function is disabled or reset when its file is opened"},
    HazardEntry{"H112", "INTx Disable is cleared by the next kernel"},
    HazardEntry{"H115", "MSI-X is set up again"},
    HazardEntry{"H116", "MSI-X is switched off at shutdown"},
    HazardEntry{"H119", "the function is reset"},
    HazardEntry{"H121", "the bus below a bridge is reset"},
};

}  // namespace

std::span<const HazardEntry> observable_hazards() { return kEntries; }

bool HazardCensus::counting() const {
  return scene_.window_begin() && scene_.find(pcie::Step::WindowEnd) == nullptr && scene_.phase() < Phase::After;
}

void HazardCensus::sight(Time time, std::string_view name, const std::string& where) {
  auto [found, first] = sightings_.try_emplace(name);
  if (first) found->second = {name, time, where, std::string(scene_.host()), scene_.phase(), 0};
  ++found->second.count;
}

void HazardCensus::on_config_write(const sim::ConfigWrite& write, const ConfigShadow& before) {
  if (!counting() || (scene_.endpoints_below(write.function) & scene_.judged_endpoints()) == 0) return;
  const ConfigEvent event{write, before, scene_.phase(), static_cast<unsigned>(scene_.jumps().size())};
  const Where where = before.bridge() ? Where::Bridge : Where::Endpoint;
  for (const HazardRule& rule : hazard_rules()) {
    if (rule.where == where && rule.fits(event)) sight(write.time, rule.name, scene_.describe(write.function));
  }
}

void HazardCensus::on_platform(Time time, const sim::PlatformState& before, const sim::PlatformState& after) {
  root_table_ = after.root_table;
  if (!counting()) return;
  const bool shutdown = scene_.phase() == Phase::Shutdown;
  const bool next_kernel = scene_.jumped() && !shutdown;
  if (shutdown && before.interrupt_controller && !after.interrupt_controller) sight(time, "H024", {});
  if (shutdown && before.translation && !after.translation) sight(time, "H025", {});
  if (!next_kernel) return;
  if ((before.translation && !after.translation) || before.root_table != after.root_table) sight(time, "H032", {});
  if ((before.interrupt_remapping && !after.interrupt_remapping) || before.remapping_table != after.remapping_table) {
    sight(time, "H035", {});
  }
}

std::optional<std::pair<std::uint64_t, std::uint64_t>> HazardCensus::context(unsigned endpoint) const {
  constexpr std::uint64_t kTable = ~std::uint64_t{0xfff};
  const auto word = [this](std::uint64_t address) -> std::optional<std::uint64_t> {
    if (address > dram_.size() || dram_.size() - address < sizeof(std::uint64_t)) return std::nullopt;
    std::uint64_t value = 0;
    std::memcpy(&value, dram_.data() + address, sizeof value);
    return value;
  };
  if (root_table_.raw() == 0) return std::nullopt;
  const pcie::RequesterId id = scene_.bdf(scene_.function_of(endpoint)).requester_id();
  const auto root = word(root_table_.raw() + 16 * (id >> 8));
  if (!root || (*root & pcie::vtd::kPresent) == 0) return std::nullopt;
  const std::uint64_t entry = (*root & kTable) + 16 * (id & 0xffu);
  const auto low = word(entry);
  const auto high = word(entry + 8);
  if (!low || !high || (*low & pcie::vtd::kPresent) == 0) return std::nullopt;
  return std::pair{*low, *high};
}

void HazardCensus::look(Time time) {
  if (!counting()) return;
  const std::uint32_t judged = scene_.judged_endpoints();
  for (unsigned endpoint = 0; endpoint < scene_.endpoint_count(); ++endpoint) {
    if (((judged >> endpoint) & 1) == 0) continue;
    const auto now = context(endpoint);
    if (!scene_.jumped()) {
      if (now) attached_[endpoint] = *now;
      continue;
    }
    // Between its first table and user space: what is attached later is what the agent asks for.
    if (scene_.phase() < Phase::Enumerate || scene_.phase() > Phase::Retrieve || attached_.count(endpoint) == 0)
      continue;
    if (now != attached_[endpoint]) sight(time, "H085", scene_.describe(scene_.function_of(endpoint)));
  }
}

std::vector<HazardSighting> HazardCensus::sightings() const {
  std::vector<HazardSighting> all;
  for (const auto& [name, sighting] : sightings_) all.push_back(sighting);
  return all;
}

}  // namespace holdover::bench
