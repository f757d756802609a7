// SPDX-License-Identifier: MIT
#include "host/agent/interference.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "pcie/error.h"

namespace holdover::host {
namespace {

using Act = Interference::Act;

constexpr std::array<Interference, 10> kInterferences{{
    {"unbind-preserved", "after preserve the driver of the first function is unbound by way of sysfs",
     UpdatePoint::Preserved, Act::Unbind},
    {"unbind-incoming", "the same under the next kernel, before the agent has opened anything", UpdatePoint::Incoming,
     Act::Unbind},
    {"unbind-retrieved", "the same after retrieve, before finish", UpdatePoint::Retrieved, Act::Unbind},
    {"rmmod-preserved", "after preserve the driver of the first function is removed as a module",
     UpdatePoint::Preserved, Act::RemoveModule},
    {"rmmod-incoming", "the same under the next kernel, before the agent has opened anything", UpdatePoint::Incoming,
     Act::RemoveModule},
    {"rmmod-retrieved", "the same after retrieve, before finish", UpdatePoint::Retrieved, Act::RemoveModule},
    {"close-preserved", "after preserve the agent closes every file but its session, and the driver is unbound",
     UpdatePoint::Preserved, Act::CloseFiles},
    {"agent-dies-preserved", "after preserve the agent dies; the kexec takes place all the same",
     UpdatePoint::Preserved, Act::AgentDies},
    {"agent-dies-incoming", "under the next kernel the agent dies before it has opened anything", UpdatePoint::Incoming,
     Act::AgentDies},
    {"agent-dies-retrieved", "under the next kernel the agent dies after retrieve, before finish",
     UpdatePoint::Retrieved, Act::AgentDies},
}};

}  // namespace

std::span<const Interference> interferences() { return kInterferences; }

const Interference* interference_at(System& system, UpdatePoint point) {
  const std::string name = system.parameter("interference");
  if (name.empty()) return nullptr;
  const auto found = std::find_if(kInterferences.begin(), kInterferences.end(),
                                  [&](const Interference& each) { return each.name == name; });
  if (found == kInterferences.end()) {
    throw Error(ErrorCode::InvalidArgument, "interference=" + name + " of the command line is unknown");
  }
  return found->point == point ? &*found : nullptr;
}

void interfere(System& system, const Interference& interference) {
  const std::string who = "interference " + std::string(interference.name) + ": ";
  if (interference.act == Act::AgentDies) {
    system.print(who + "the agent is dead");
    return;
  }
  const std::vector<pcie::Bdf> functions = system.devices();
  if (functions.empty()) {
    system.print(who + "there is no function with a driver");
    return;
  }
  try {
    if (interference.act == Act::RemoveModule) {
      system.remove_driver(functions.front());
    } else {
      system.unbind_driver(functions.front());
    }
    system.print(who + "done");
  } catch (const Error& error) {
    if (error.code() != ErrorCode::Refused) throw;
    system.print(who + error.what());
  }
}

}  // namespace holdover::host
