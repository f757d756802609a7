// SPDX-License-Identifier: MIT
// The table of disturbances.
#include <algorithm>
#include <array>
#include <string>

#include "pcie/error.h"
#include "sim/packet.h"
#include "sim/witness.h"

namespace holdover::sim {
namespace {

template <pcie::FlowClass Flow>
void starve(Disturbance& disturbance) {
  disturbance.starve_credits[index_of(Flow)] = true;
}

constexpr std::array<DisturbanceEntry, 10> kDisturbances{{
    {"split", "answers to reads are cut at every read completion boundary, at some of them, or not at all",
     [](Disturbance& d) { d.split_at_every_boundary = d.split_at_random = true; }},
    {"split-every", "answers to reads are cut at every read completion boundary",
     [](Disturbance& d) { d.split_at_every_boundary = true; }},
    {"split-random", "answers to reads are cut at read completion boundaries that are drawn",
     [](Disturbance& d) { d.split_at_random = true; }},
    {"reorder", "answers to reads with different tags overtake each other",
     [](Disturbance& d) { d.reorder_completions = true; }},
    {"delay", "latencies of memory are drawn anew for every access", [](Disturbance& d) { d.delay = true; }},
    {"starve-posted", "credits for posted requests come back late, and now and then not for a while",
     starve<pcie::FlowClass::Posted>},
    {"starve-non-posted", "the same for non-posted requests", starve<pcie::FlowClass::NonPosted>},
    {"starve-completion", "the same for completions, on links that have such credits",
     starve<pcie::FlowClass::Completion>},
    {"late", "now and then a read is answered just before the endpoint would give it up",
     [](Disturbance& d) { d.answer_late = true; }},
    {"replay", "now and then a packet is damaged on a link, and sent again with those that followed it",
     [](Disturbance& d) { d.replay = true; }},
}};

// Several of the table under one name.
constexpr std::string_view kStarve = "starve";

Disturbance none() {
  Disturbance disturbance;
  disturbance.split_at_every_boundary = false;
  disturbance.split_at_random = false;
  disturbance.reorder_completions = false;
  disturbance.delay = false;
  disturbance.starve_credits = {};
  disturbance.answer_late = false;
  disturbance.replay = false;
  return disturbance;
}

void add(Disturbance& disturbance, std::string_view name) {
  if (name == "none" || name == "all") {
    throw Error(ErrorCode::InvalidArgument, "«" + std::string{name} + "» stands alone");
  }
  if (name == kStarve) {
    disturbance.starve_credits = {true, true, true};
    return;
  }
  const auto* const entry = std::find_if(kDisturbances.begin(), kDisturbances.end(),
                                         [name](const DisturbanceEntry& each) { return each.name == name; });
  if (entry == kDisturbances.end()) {
    std::string names = "none, all, " + std::string{kStarve};
    for (const DisturbanceEntry& each : kDisturbances) names += ", " + std::string{each.name};
    throw Error(ErrorCode::InvalidArgument, "there is no disturbance «" + std::string{name} + "»; there are: " + names);
  }
  entry->apply(disturbance);
}

}  // namespace

std::span<const DisturbanceEntry> disturbances() { return kDisturbances; }

Disturbance select_disturbances(std::string_view names) {
  if (names == "none") return none();
  if (names == "all") return {};
  Disturbance disturbance = none();
  for (;;) {
    const std::size_t comma = names.find(',');
    add(disturbance, names.substr(0, comma));
    if (comma == std::string_view::npos) return disturbance;
    names.remove_prefix(comma + 1);
  }
}

}  // namespace holdover::sim
