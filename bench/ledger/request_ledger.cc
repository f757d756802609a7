// SPDX-License-Identifier: MIT
#include "bench/ledger/request_ledger.h"

#include <algorithm>

#include "bench/ledger/config_rules.h"

namespace holdover::bench {
namespace {

// The invariant of live update that findings about completions break.
constexpr unsigned kOneCompletion = 8;

std::string request_name(unsigned endpoint, const pcie::Tlp& tlp) {
  return "read of endpoint " + std::to_string(endpoint) + " with tag " + std::to_string(tlp.tag);
}

}  // namespace

RequestLedger::RequestLedger(const Scene& scene, Evidence& evidence, Time completion_timeout)
    : scene_(scene),
      evidence_(evidence),
      completion_timeout_(completion_timeout),
      outstanding_(scene.endpoint_count(), std::vector<Outstanding>(kTags)) {}

void RequestLedger::on_transmit(Time time, unsigned endpoint, const pcie::Tlp& tlp) {
  if (tlp.kind != pcie::TlpKind::MemoryRead) return;
  ++requests_;
  Outstanding& request = outstanding_[endpoint][tlp.tag % kTags];
  if (request.open) {
    Evidence::Observation observation;
    observation.time = time;
    observation.since = request.since;
    observation.endpoint = endpoint;
    observation.invariant = kOneCompletion;
    observation.sentence = request_name(endpoint, tlp) + " to " + hex(request.address) + " at " +
                           readable_time(request.since) + " was not complete when its tag was used again";
    evidence_.find(Check::Protocol, std::move(observation));
  }
  request.open = true;
  request.late = false;
  request.remaining = static_cast<unsigned>(std::max<std::uint64_t>(1, pcie::enabled_bytes(tlp).count()));
  request.since = time;
  request.address = tlp.address;
}

void RequestLedger::on_receive(Time time, unsigned endpoint, const pcie::Tlp& tlp) {
  if (!pcie::is_completion(tlp.kind)) return;
  Outstanding& request = outstanding_[endpoint][tlp.tag % kTags];
  if (!request.open) {
    Evidence::Observation observation;
    observation.time = time;
    observation.since = time;
    observation.endpoint = endpoint;
    observation.invariant = kOneCompletion;
    observation.sentence = "a completion with tag " + std::to_string(tlp.tag) + " reached endpoint " +
                           std::to_string(endpoint) + ", which asked for nothing under it";
    evidence_.find(Check::Protocol, std::move(observation));
    return;
  }
  complete(time, endpoint, tlp, request);
}

void RequestLedger::complete(Time time, unsigned endpoint, const pcie::Tlp& tlp, Outstanding& request) {
  Evidence::Observation observation;
  observation.time = time;
  observation.since = request.since;
  observation.endpoint = endpoint;
  observation.invariant = kOneCompletion;
  const std::string which = request_name(endpoint, tlp) + " to " + hex(request.address);
  if (time > request.since + completion_timeout_ && !request.late) {
    request.late = true;
    observation.sentence = which + " was answered after the completion timeout";
    evidence_.find(Check::Protocol, observation);
  }
  if (tlp.status != pcie::CompletionStatus::Success) {
    request.open = false;
    observation.sentence = which + " was answered with " + std::string(pcie::to_string(tlp.status));
    evidence_.find(Check::Protocol, std::move(observation));
    return;
  }
  if (tlp.poisoned) {
    observation.sentence = which + " was answered with poisoned data";
    evidence_.find(Check::Protocol, observation);
  }
  if (tlp.byte_count != request.remaining) {
    observation.sentence = which + " has " + std::to_string(request.remaining) +
                           " bytes to come, and a completion says " + std::to_string(tlp.byte_count);
    evidence_.find(Check::Protocol, std::move(observation));
    request.open = false;
    return;
  }
  const unsigned carried = tlp.length_dw * 4u - std::min(tlp.length_dw * 4u, tlp.lower_address & 3u);
  request.remaining -= std::min(request.remaining, std::max(1u, carried));
  if (request.remaining != 0) return;
  request.open = false;
  ++completed_;
}

void RequestLedger::on_refused(Time time, unsigned endpoint, sim::FunctionIndex where, const pcie::Tlp& tlp,
                               std::string_view reason) {
  ++refused_;
  const std::string place =
      where < scene_.functions().size() ? scene_.describe(where) : std::string("the root complex");
  const std::string what = pcie::to_string(tlp) + " was refused at " + place + ": " + std::string(reason);
  evidence_.disrupt(time, 1u << endpoint, Rank::Consequence, Evidence::kTraffic, what);
  evidence_.find(Check::Protocol, time, endpoint, what);
}

void RequestLedger::on_violation(const sim::Violation& violation) {
  ++violations_;
  evidence_.find(Check::Protocol, violation.time, std::nullopt, violation.rule + ": " + violation.sentence);
}

void RequestLedger::judge_cleared_errors(Time time, unsigned endpoint, const ConfigShadow& before,
                                         const ConfigShadow& was, const ConfigShadow& is) {
  const std::string errors = error_bits(was);
  if (errors.empty() || errors == error_bits(is) || errors == error_bits(before)) return;
  Evidence::Observation observation;
  observation.time = time;
  observation.since = *scene_.window_begin();
  observation.endpoint = endpoint;
  observation.sentence = scene_.describe(scene_.function_of(endpoint)) + " had recorded errors, which " +
                         std::string(scene_.host()) + " cleared: " + errors;
  evidence_.find(Check::Protocol, std::move(observation));
}

void RequestLedger::judge_error_bits(Time time, const std::vector<ConfigShadow>& before,
                                     const std::vector<ConfigShadow>& after) {
  for (unsigned endpoint = 0; endpoint < scene_.endpoint_count(); ++endpoint) {
    const sim::FunctionIndex function = scene_.function_of(endpoint);
    const std::string errors = error_bits(after.at(function));
    if (errors.empty() || errors == error_bits(before.at(function))) continue;
    Evidence::Observation observation;
    observation.time = time;
    observation.since = *scene_.window_begin();
    observation.endpoint = endpoint;
    observation.sentence = scene_.describe(function) + " recorded errors: " + errors;
    evidence_.find(Check::Protocol, std::move(observation));
  }
}

void RequestLedger::on_end(Time time, bool stopped) {
  for (unsigned endpoint = 0; endpoint < scene_.endpoint_count(); ++endpoint) {
    for (std::size_t tag = 0; tag < kTags; ++tag) {
      const Outstanding& request = outstanding_[endpoint][tag];
      if (!request.open || (!stopped && time < request.since + completion_timeout_)) continue;
      Evidence::Observation observation;
      observation.time = std::min(time, request.since + completion_timeout_);
      observation.since = request.since;
      observation.endpoint = endpoint;
      observation.invariant = kOneCompletion;
      observation.sentence = "read of endpoint " + std::to_string(endpoint) + " with tag " + std::to_string(tag) +
                             " to " + hex(request.address) + " at " + readable_time(request.since) +
                             " was never completed";
      evidence_.find(Check::Protocol, std::move(observation));
    }
  }
}

}  // namespace holdover::bench
