// SPDX-License-Identifier: MIT
// The explicit tables of scenarios and faults.
#include <algorithm>
#include <array>
#include <vector>

#include "bench/fault_table.h"
#include "bench/run.h"
#include "host/agent/interference.h"
#include "host/kernel/hazard.h"
#include "pcie/error.h"

namespace holdover::bench {
namespace {

constexpr std::string_view kNeighbour = "neighbour";
constexpr std::string_view kPlainKexec = "plain-kexec";
constexpr std::array<TableEntry, 3> kScenarios = {{
    {"continuity", "every endpoint is preserved; heartbeat, two bulk channels and interrupts go on across the update"},
    {kNeighbour, "the first endpoint is preserved, the second one below the same switch is not and must be quiet"},
    {kPlainKexec, "nothing runs and nothing is preserved: what kernels write on their way, with or without a driver"},
}};

struct MachineFaultEntry {
  TableEntry entry;
  sim::MachineFault fault;
};

sim::MachineFault fault_of(sim::MachineFault::Kind kind) {
  sim::MachineFault fault;
  fault.kind = kind;
  // Early enough that traffic still runs for a while, late enough that the last write before the jump is behind it.
  fault.phase = kind == sim::MachineFault::Kind::DropMessage ? pcie::Phase::After : pcie::Phase::Blackout;
  fault.delay = Time{5'000'000};
  return fault;
}

const std::vector<MachineFaultEntry>& machine_faults() {
  using Kind = sim::MachineFault::Kind;
  static const std::vector<MachineFaultEntry> kEntries = {
      {{"stuck-engine", "the endpoint's hard block stops taking requests for good during the blackout"},
       fault_of(Kind::StallTransmit)},
      {{"lost-message", "one interrupt message vanishes in the fabric after the update"}, fault_of(Kind::DropMessage)},
      {{"lost-completion", "one completion to the endpoint vanishes during the blackout"},
       fault_of(Kind::DropCompletion)},
      {{"poisoned-completion", "one completion to the endpoint arrives poisoned during the blackout"},
       fault_of(Kind::PoisonCompletion)},
      {{"lost-write", "one memory write of the endpoint vanishes behind its link during the blackout"},
       fault_of(Kind::DropPostedWrite)},
      {{"repeated-write", "one memory write of the endpoint reaches memory twice during the blackout"},
       fault_of(Kind::RepeatPostedWrite)},
      {{"link-down", "the link goes down and comes up again during the blackout"}, fault_of(Kind::LinkDown)},
      {{"power-loss", "the endpoint's slot is without power for a moment during the blackout"},
       fault_of(Kind::PowerLoss)},
      {{"swapped-endpoint",
        "during the blackout the endpoint is exchanged for another of the same kind, with another serial number and "
        "subsystem"},
       fault_of(Kind::SwappedEndpoint)},
  };
  return kEntries;
}

}  // namespace

std::span<const TableEntry> scenarios() { return kScenarios; }

std::span<const TableEntry> update_scenarios() {
  // The others stand behind them.
  const auto end = std::find_if(kScenarios.begin(), kScenarios.end(),
                                [](const TableEntry& entry) { return handed_over(entry.name, 1) == 0; });
  return {kScenarios.begin(), end};
}

std::uint32_t handed_over(std::string_view scenario, unsigned count) {
  if (scenario == kPlainKexec) return 0;
  const unsigned preserved = scenario == kNeighbour ? 1u : count;
  return static_cast<std::uint32_t>((std::uint64_t{1} << preserved) - 1);
}

std::span<const TableEntry> faults() {
  static const std::vector<TableEntry> kAll = [] {
    std::vector<TableEntry> all;
    for (const host::kernel::Hazard& hazard : host::kernel::hazards()) all.push_back({hazard.name, hazard.sentence});
    for (const MachineFaultEntry& fault : machine_faults()) all.push_back(fault.entry);
    for (const HandoverDamage& damage : handover_damages()) all.push_back(damage.entry);
    for (const host::Interference& each : host::interferences()) all.push_back({each.name, each.sentence});
    return all;
  }();
  return kAll;
}

std::string_view fault_name(sim::MachineFault::Kind kind) {
  for (const MachineFaultEntry& fault : machine_faults()) {
    if (fault.fault.kind == kind) return fault.entry.name;
  }
  return "of no known kind";
}

FaultSelection select_faults(const std::vector<std::string>& names) {
  FaultSelection selection;
  for (const std::string& name : names) {
    if (host::kernel::find_hazard(name) != nullptr) {
      selection.hazards.push_back(name);
      // Disabling MSI-X loses events only where the device does not keep them, and that is what the hazard is about.
      if (name == "H073") selection.pending_while_disabled = false;
      continue;
    }
    const auto damage = std::find_if(handover_damages().begin(), handover_damages().end(),
                                     [&name](const HandoverDamage& candidate) { return candidate.entry.name == name; });
    if (damage != handover_damages().end()) {
      selection.damages.push_back(*damage);
      continue;
    }
    const auto interferences = host::interferences();
    if (std::any_of(interferences.begin(), interferences.end(),
                    [&](const host::Interference& each) { return each.name == name; })) {
      if (!selection.interference.empty()) {
        throw Error{ErrorCode::InvalidArgument,
                    "--fault: " + selection.interference + " and " + name + " cannot go together; ask for one of them"};
      }
      selection.interference = name;
      continue;
    }
    const auto& table = machine_faults();
    const auto found = std::find_if(table.begin(), table.end(),
                                    [&name](const MachineFaultEntry& fault) { return fault.entry.name == name; });
    if (found == table.end()) {
      std::string possible;
      for (const TableEntry& entry : faults()) possible += (possible.empty() ? "" : ", ") + std::string(entry.name);
      throw Error{ErrorCode::InvalidArgument, "--fault: there is no fault «" + name + "»; there are: " + possible};
    }
    selection.machine.push_back(found->fault);
  }
  return selection;
}

}  // namespace holdover::bench
