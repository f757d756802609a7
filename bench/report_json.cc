// SPDX-License-Identifier: MIT
// The record of a run. bench/report.schema.json describes it; docs/verdict.md explains it.
#include <nlohmann/json.hpp>
#include <string>

#include "bench/kernels.h"
#include "bench/run.h"
#include "bench/verdict_report.h"

namespace holdover::bench {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchemaVersion = 1;

Json time_or_null(const std::optional<Time>& time) { return time ? Json(time->count()) : Json(nullptr); }

Json kernel_names(const RunOptions& options) {
  Json names = Json::array();
  for (const KernelChoice& kernel : kernels(options)) names.push_back(to_string(kernel));
  if (options.jump == Jump::None) names.erase(names.begin() + 1, names.end());
  return names;
}

Json options_json(const RunOptions& options) {
  return {{"scenario", options.scenario},
          {"profile", options.profile},
          {"kernels", kernel_names(options)},
          {"topology", options.topology},
          {"aspm", options.aspm},
          {"seed", options.seed},
          {"isolation", options.isolation == Isolation::Process ? "process" : "in-process"},
          {"jump", to_string(options.jump)},
          {"interrupts_at_freeze", interrupts_at_freeze(options) == InterruptsAtFreeze::Off ? "off" : "keep"},
          {"blackout_ps", options.blackout.count()},
          {"before_ps", options.before.count()},
          {"after_ps", options.after.count()},
          {"policies", options.policies},
          {"faults", options.faults},
          {"width", options.width},
          {"channels", options.channels},
          {"endpoint", options.endpoint},
          {"max_payload", max_payload(options)},
          {"bulk", options.bulk},
          {"transfer", options.transfer},
          {"heartbeat_ps", options.heartbeat.count()},
          {"disturb", options.disturb},
          {"command", command_line(options)}};
}

Json machine_json(const sim::MachineConfig& machine) {
  const sim::EndpointConfig& endpoint = machine.endpoint;
  const sim::Disturbance& disturbance = machine.disturbance;
  return {{"topology", machine.topology},
          {"dram_bytes", machine.dram_size.count()},
          {"link",
           {{"generation", machine.link.generation},
            {"lanes", machine.link.lanes},
            {"propagation_ps", machine.link.propagation.count()}}},
          {"aspm", machine.aspm},
          {"endpoint",
           {{"data_width", endpoint.data_width},
            {"channels", endpoint.channels},
            {"completion_timeout_ps", endpoint.completion_timeout.count()},
            {"vendor_id", endpoint.vendor_id},
            {"device_id", endpoint.device_id},
            {"revision", endpoint.revision},
            {"max_payload_bytes", 128u << endpoint.max_payload_supported},
            {"msix_vectors", endpoint.msix_vectors},
            {"no_soft_reset", endpoint.no_soft_reset},
            {"pending_while_disabled", endpoint.pending_while_disabled},
            {"aer", endpoint.aer},
            {"ari", endpoint.ari},
            {"dsn", endpoint.dsn},
            {"bar0_wide", endpoint.bar0_wide},
            {"bar2_wide", endpoint.bar2_wide},
            {"io_space", endpoint.io_space},
            {"interrupt_pin", endpoint.interrupt_pin},
            {"pme", endpoint.pme},
            {"extended_tag", endpoint.extended_tag},
            {"slot_clock", endpoint.slot_clock}}},
          {"disturbance",
           {{"split_at_every_boundary", disturbance.split_at_every_boundary},
            {"split_at_random", disturbance.split_at_random},
            {"reorder_completions", disturbance.reorder_completions},
            {"read_latency_min_ps", disturbance.read_latency_min.count()},
            {"read_latency_max_ps", disturbance.read_latency_max.count()},
            {"write_latency_max_ps", disturbance.write_latency_max.count()},
            {"delay", disturbance.delay},
            {"starve_credits", disturbance.starve_credits},
            {"answer_late", disturbance.answer_late},
            {"replay", disturbance.replay}}}};
}

Json finding_json(const Finding& finding) {
  return {{"time_ps", finding.time.count()},
          {"phase", finding.when.empty() ? std::string(pcie::to_string(finding.phase)) : finding.when},
          {"sentence", finding.sentence},
          {"cause", finding.cause.empty() ? Json(nullptr) : Json(finding.cause)}};
}

Json checks_json(const Verdict& verdict) {
  Json checks = Json::array();
  for (const CheckResult& check : verdict.checks) {
    Json numbers = Json::object();
    for (const Figure& figure : check.numbers) numbers[figure.name] = figure.value;
    checks.push_back({{"check", identifier(check.check)},
                      {"status", to_string(check.status)},
                      {"figure", check.figure},
                      {"numbers", numbers},
                      {"findings", check.finding_count},
                      {"first_finding", check.first ? finding_json(*check.first) : Json(nullptr)}});
  }
  return checks;
}

Json breach_json(const Finding& finding) {
  Json json = finding_json(finding);
  json["host"] = finding.host;
  json["step"] = pcie::to_string(finding.step);
  return json;
}

Json invariants_json(const Verdict& verdict) {
  Json invariants = Json::array();
  for (const Invariant& invariant : verdict.invariants) {
    invariants.push_back({{"number", invariant.number},
                          {"sentence", invariant.sentence},
                          {"status", to_string(invariant.status)},
                          {"broken_by", invariant.broken_by ? breach_json(*invariant.broken_by) : Json(nullptr)}});
  }
  return invariants;
}

Json phases_json(const std::vector<PhaseRow>& rows) {
  Json phases = Json::array();
  for (const PhaseRow& row : rows) {
    phases.push_back({{"phase", pcie::to_string(row.phase)},
                      {"host", row.host},
                      {"begin_ps", row.begin.count()},
                      {"end_ps", row.end.count()},
                      {"clocks", row.clocks.count()},
                      {"records", row.records},
                      {"longest_silence_ps", time_or_null(row.longest_silence)},
                      {"config_writes", row.config_writes}});
  }
  return phases;
}

Json hazards_json(const std::vector<HazardSighting>& sightings) {
  Json hazards = Json::array();
  for (const HazardSighting& hazard : sightings) {
    hazards.push_back({{"hazard", hazard.name},
                       {"first_ps", hazard.first.count()},
                       {"where", hazard.where.empty() ? Json(nullptr) : Json(hazard.where)},
                       {"host", hazard.host},
                       {"phase", pcie::to_string(hazard.phase)},
                       {"count", hazard.count}});
  }
  return hazards;
}

Json silence_json(const Report& report) {
  Json terms = Json::array();
  for (const sim::SilenceBound::Term& term : report.silence_bound.terms) {
    terms.push_back({{"name", term.name}, {"time_ps", term.time.count()}});
  }
  return {{"limit_ps", report.silence_limit.count()},
          {"machine_ps", report.silence_bound.total.count()},
          {"late_answer_ps", report.silence_bound.late_answer.count()},
          {"terms", terms}};
}

}  // namespace

std::string checks_to_json(const Verdict& verdict) {
  return checks_json(verdict).dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string first_finding_to_json(const Verdict& verdict) {
  const Json json = verdict.first ? finding_json(*verdict.first) : Json(nullptr);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string to_json(const Report& report) {
  const Verdict& verdict = report.verdict;
  const Json json = {
      {"schema_version", kSchemaVersion},
      {"program", {{"name", "holdover"}, {"version", report.options.version}, {"commit", report.options.commit}}},
      {"options", options_json(report.options)},
      {"machine", machine_json(report.machine)},
      {"outcome", to_string(verdict.outcome)},
      {"headline", verdict.headline},
      {"reason", verdict.reason.empty() ? Json(nullptr) : Json(verdict.reason)},
      {"first_finding", verdict.first ? finding_json(*verdict.first) : Json(nullptr)},
      {"checks", checks_json(verdict)},
      {"hazards", hazards_json(report.hazards)},
      {"invariants", invariants_json(verdict)},
      {"phases", phases_json(report.phases)},
      {"silence", silence_json(report)},
      {"window", {{"begin_ps", report.window_begin.count()}, {"end_ps", report.window_end.count()}}},
      {"simulated", {{"time_ps", report.simulated.count()}, {"clocks", report.clocks.count()}, {"tlps", report.tlps}}},
      {"wall", {{"time_ns", report.wall.count()}}},
      {"notes", report.notes},
      {"console", report.console},
      {"dump", report.dump.empty() ? Json(nullptr) : Json(report.dump)},
      {"replay", report.replay.empty() ? Json(nullptr) : Json(report.replay)}};
  constexpr int kIndent = 2;
  return json.dump(kIndent, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace holdover::bench
