// SPDX-License-Identifier: MIT
#include "bench/ledger/invariants/function_watch.h"

#include <algorithm>

#include "pcie/capability.h"
#include "pcie/config_space.h"

namespace holdover::bench {
namespace {

namespace config = pcie::config;
using pcie::Step;

}  // namespace

FunctionWatch::Identity FunctionWatch::identity(sim::FunctionIndex function) const {
  const ConfigShadow& shadow = config_.shadow(function);
  const pcie::ConfigReader read = [&shadow](unsigned offset) { return shadow.at(offset); };
  Identity identity{shadow.at(config::kVendorId), shadow.at(config::kRevision) >> 8, std::nullopt};
  if (const auto serial = pcie::find_extended_capability(read, config::kExtCapSerialNumber)) {
    identity.serial_number = std::uint64_t{shadow.at(*serial + 8)} << 32 | shadow.at(*serial + 4);
  }
  return identity;
}

std::optional<unsigned> FunctionWatch::endpoint_of(sim::FunctionIndex function) const {
  const sim::FunctionInfo& info = scene_.functions()[function];
  return info.kind == sim::FunctionKind::Endpoint ? std::optional(info.endpoint) : std::nullopt;
}

void FunctionWatch::on_mark(const Scene::Mark& mark) {
  if (mark.kernel != kernel_) {
    kernel_ = mark.kernel;
    incoming_ = std::move(outgoing_);
    outgoing_.clear();
    found_.clear();
    enumerated_ = false;
    table_taken_ = false;
  }
  const auto id = static_cast<pcie::RequesterId>(mark.value);
  switch (mark.step) {
    case Step::FunctionPreserved:
      record_.judged(6);
      if (const auto function = scene_.function_at(id)) {
        outgoing_[*function] = scene_.bdf(*function);
        judge_mastering(mark.time, *function);
      }
      break;
    case Step::FunctionUnpreserved:
      if (const auto function = holder(id)) outgoing_.erase(*function);
      break;
    case Step::FunctionFinished:
      std::erase_if(incoming_, [id](const auto& entry) { return entry.second.requester_id() == id; });
      break;
    case Step::IncomingTable:
      table_taken_ = true;
      break;
    case Step::FunctionFound:
      found_.insert(id);
      break;
    case Step::FunctionIncoming:
      judge_incoming(mark.time, pcie::Bdf::from_requester_id(id));
      break;
    case Step::Begin:
      judge_enumeration(mark);
      break;
    default:
      break;
  }
}

void FunctionWatch::on_jump(const HandoverImage& image) {
  handed_.reset();
  if (!image.devices) return;
  handed_.emplace();
  for (const host::kernel::HandedPciDevice& device : *image.devices) {
    const auto function = scene_.function_at(device.bdf.requester_id());
    handed_->push_back({device.bdf, function ? std::optional(identity(*function)) : std::nullopt});
  }
}

void FunctionWatch::judge_mastering(Time time, sim::FunctionIndex function) {
  if ((config_.shadow(function).at(config::kCommand) & config::kCommandBusMaster) != 0) return;
  record_.broken(7, Check::Configuration, time, endpoint_of(function),
                 scene_.describe(function) + " was recorded while its bus master enable was 0");
}

void FunctionWatch::judge_incoming(Time time, pcie::Bdf bdf) {
  const bool handed =
      handed_ && std::any_of(handed_->begin(), handed_->end(), [bdf](const Handed& entry) { return entry.bdf == bdf; });
  if (handed) return;
  record_.broken(5, Check::Handover, time, std::nullopt, bdf.to_string() + " is incoming and was not handed over");
}

// The scan is over when the phase after it begins. A kernel that took no table has not been told what to find.
void FunctionWatch::judge_enumeration(const Scene::Mark& mark) {
  if (enumerated_ || mark.kernel == 0 || mark.phase <= pcie::Phase::Enumerate) return;
  enumerated_ = true;
  if (!handed_ || !table_taken_) return;
  record_.judged(5);
  for (const Handed& entry : *handed_) {
    const auto function = scene_.function_at(entry.bdf.requester_id());
    if (found_.count(entry.bdf.requester_id()) == 0 || !function) {
      record_.broken(5, Check::Bdf, mark.time, function ? endpoint_of(*function) : std::nullopt,
                     entry.bdf.to_string() + " was handed over, and enumeration by " + kernel_name(mark.kernel) +
                         " did not find it");
    } else if (entry.identity && identity(*function) != *entry.identity) {
      record_.broken(5, Check::Bdf, mark.time, endpoint_of(*function),
                     scene_.describe(*function) + " is another function than the one that was handed over");
    }
  }
}

std::optional<sim::FunctionIndex> FunctionWatch::holder(pcie::RequesterId id) const {
  for (const auto* reserved : {&outgoing_, &incoming_}) {
    for (const auto& [function, bdf] : *reserved) {
      if (bdf.requester_id() == id) return function;
    }
  }
  return std::nullopt;
}

void FunctionWatch::on_places(Time time) {
  std::fill(sender_.begin(), sender_.end(), std::nullopt);
  if (!scene_.window_open()) return;
  for (const auto* reserved : {&outgoing_, &incoming_}) {
    for (const auto& [function, bdf] : *reserved) {
      const pcie::Bdf now = scene_.bdf(function);
      // A function that has captured no number yet is nowhere.
      if (now == bdf || now.requester_id() == 0) continue;
      record_.broken(6, Check::Bdf, time, endpoint_of(function),
                     scene_.functions()[function].name + " moved from " + bdf.to_string() + " to " + now.to_string());
    }
  }
  for (sim::FunctionIndex function = 0; function < scene_.functions().size(); ++function) {
    const pcie::Bdf bdf = scene_.bdf(function);
    const auto owner = holder(bdf.requester_id());
    // Bus 0 below a bridge is where a function stands whose bridge has no numbers.
    const bool placed = bdf.bus != 0 || !scene_.functions()[function].parent;
    if (!placed || !owner || *owner == function) continue;
    record_.broken(6, Check::Bdf, time, endpoint_of(*owner),
                   scene_.functions()[function].name + " answers at " + bdf.to_string() + ", the number of " +
                       scene_.functions()[*owner].name + ", which is recorded");
  }
}

void FunctionWatch::on_transmit(Time time, unsigned endpoint, const pcie::Tlp& tlp) {
  const pcie::RequesterId id = pcie::is_completion(tlp.kind) ? tlp.completer : tlp.requester;
  if (sender_.at(endpoint) == id || !scene_.window_open()) return;
  sender_[endpoint] = id;
  const auto owner = holder(id);
  if (!owner || *owner == scene_.function_of(endpoint)) return;
  record_.broken(6, Check::Bdf, time, endpoint_of(*owner),
                 "endpoint " + std::to_string(endpoint) + " calls itself " +
                     pcie::Bdf::from_requester_id(id).to_string() + ", the number of " +
                     scene_.functions()[*owner].name + ", which is recorded");
}

}  // namespace holdover::bench
