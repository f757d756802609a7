// SPDX-License-Identifier: MIT
#include "bench/ledger/identity_ledger.h"

#include <algorithm>
#include <string>

namespace holdover::bench {

IdentityLedger::IdentityLedger(const Scene& scene, Evidence& evidence)
    : scene_(scene), evidence_(evidence), ids_(scene.endpoint_count()) {}

void IdentityLedger::open_window(Time /*time*/) {
  placed_.clear();
  for (sim::FunctionIndex function = 0; function < scene_.functions().size(); ++function) {
    placed_.push_back(scene_.bdf(function));
  }
  for (unsigned endpoint = 0; endpoint < ids_.size(); ++endpoint) {
    ids_[endpoint].id = scene_.bdf(scene_.function_of(endpoint)).requester_id();
  }
}

void IdentityLedger::on_transmit(Time time, unsigned endpoint, const pcie::Tlp& tlp) {
  if (!scene_.window_open() || placed_.empty()) return;
  ++tlps_;
  Identity& identity = ids_.at(endpoint);
  ++identity.tlps;
  const pcie::RequesterId id = pcie::is_completion(tlp.kind) ? tlp.completer : tlp.requester;
  if (id == identity.id || id == identity.reported) return;
  identity.reported = id;
  Evidence::Observation observation;
  observation.time = time;
  observation.since = time;
  observation.endpoint = endpoint;
  observation.invariant = 8;
  observation.sentence = "endpoint " + std::to_string(endpoint) + " calls itself " +
                         pcie::Bdf::from_requester_id(id).to_string() + " where it was " +
                         pcie::Bdf::from_requester_id(*identity.id).to_string();
  evidence_.find(Check::Bdf, std::move(observation));
}

void IdentityLedger::close_window(Time time) {
  if (placed_.empty()) return;
  const std::uint32_t judged = scene_.judged_endpoints();
  // Of kernels after the first; the last one may have ended, or stopped itself, before it came so far.
  auto enumerations = static_cast<unsigned>(scene_.jumps().size());
  const auto is_behind = [last = enumerations](const Scene::Mark& mark) {
    return mark.kernel == last && mark.phase > pcie::Phase::Enumerate && mark.step != pcie::Step::Panic;
  };
  if (enumerations != 0 && std::none_of(scene_.marks().begin(), scene_.marks().end(), is_behind)) --enumerations;
  for (unsigned endpoint = 0; endpoint < ids_.size(); ++endpoint) {
    if (((judged >> endpoint) & 1) == 0) continue;
    for (const sim::FunctionIndex function : scene_.path(endpoint)) {
      Evidence::Observation observation;
      observation.time = time;
      observation.since = *scene_.window_begin();
      observation.endpoint = endpoint;
      if (scene_.bdf(function) != placed_[function]) {
        observation.sentence = scene_.functions()[function].name + " moved from " + placed_[function].to_string() +
                               " to " + scene_.bdf(function).to_string();
        observation.invariant = 6;
        evidence_.find(Check::Bdf, observation);
        continue;
      }
      const pcie::RequesterId id = placed_[function].requester_id();
      for (unsigned kernel = 1; kernel <= enumerations; ++kernel) {
        const auto found = [=](const Scene::Mark& mark) {
          return mark.kernel == kernel && mark.step == pcie::Step::FunctionFound && mark.value == id;
        };
        if (std::any_of(scene_.marks().begin(), scene_.marks().end(), found)) continue;
        observation.sentence = "enumeration by " + kernel_name(kernel) + " did not find " + scene_.describe(function);
        observation.invariant = 5;
        evidence_.find(Check::Bdf, observation);
        break;
      }
    }
  }
}

}  // namespace holdover::bench
