// SPDX-License-Identifier: MIT
#include <nlohmann/json.hpp>

#include "bench/measure/measure.h"

namespace holdover::bench {

using Json = nlohmann::ordered_json;

std::string to_json(const MeasureReport& report) {
  Json bandwidth = Json::array();
  for (const BandwidthPoint& point : report.bandwidth) {
    bandwidth.push_back({{"test", point.test},
                         {"size", point.size},
                         {"transfers", point.transfers},
                         {"duration_ns", point.duration_ns},
                         {"measured_gbps", point.measured},
                         {"theory_gbps", point.theory},
                         {"theory_with_rings_gbps", point.engine},
                         {"ratio", point.measured / point.engine},
                         {"bound_gbps", point.bound}});
  }
  Json latency = Json::array();
  for (const LatencyPoint& point : report.latency) {
    latency.push_back({{"test", point.test},
                       {"size", point.size},
                       {"samples", point.samples},
                       {"min_ns", point.minimum},
                       {"median_ns", point.median},
                       {"mean_ns", point.mean},
                       {"p95_ns", point.p95},
                       {"p99_ns", point.p99},
                       {"max_ns", point.maximum},
                       {"wire_ns", point.wire}});
  }
  const RunOptions& machine = report.options.machine;
  const LinkTheory& link = report.link;
  const bool ours = report.machine.has_value();
  const auto of_machine = [ours](const auto& value) { return ours ? Json(value) : Json(nullptr); };
  Json root_complex;
  if (ours) {
    root_complex = {{"disturb", machine.disturb},
                    {"read_latency_min_ns", report.machine->disturbance.read_latency_min.count() / 1000},
                    {"read_latency_max_ns", report.machine->disturbance.read_latency_max.count() / 1000}};
  }
  const Json json{{"schema_version", 1},
                  {"program", {{"version", machine.version}, {"commit", machine.commit}}},
                  {"time", to_string(report.time)},
                  {"target", ours ? Json(nullptr) : Json(report.target)},
                  {"duration_min_ns", report.options.duration.count() / 1000},
                  {"seed", of_machine(machine.seed)},
                  {"topology", of_machine(machine.topology)},
                  {"profile", of_machine(machine.profile)},
                  {"endpoint",
                   {{"bdf", report.endpoint.bdf},
                    {"data_width", report.endpoint.data_width},
                    {"channels", report.endpoint.channels},
                    {"clock_period_ns", report.endpoint.clock_period},
                    {"completion_timeout_ns", report.completion_timeout.count() / 1000}}},
                  {"link",
                   {{"generation", link.generation},
                    {"lanes", link.lanes},
                    {"max_payload", link.max_payload},
                    {"max_read_request", link.max_read_request},
                    {"wide_addresses", link.wide_addresses},
                    {"completion_piece_bytes", link.completion},
                    {"request_overhead_bytes", link.request_bytes()},
                    {"completion_overhead_bytes", LinkTheory::completion_bytes()},
                    {"acknowledge_interval_bytes", link.acknowledge_interval()},
                    {"links", report.links},
                    {"propagation_ps", ours ? Json(report.machine->link.propagation.count()) : Json(nullptr)},
                    {"raw_gbps", link.raw()},
                    {"tlp_gbps", link.tlp_bandwidth()}}},
                  {"rings",
                   {{"depth", report.options.depth},
                    {"descriptor_bytes", report.engine.descriptor},
                    {"record_bytes", report.engine.record},
                    {"descriptors_per_fetch", report.engine.batch}}},
                  {"root_complex", root_complex},
                  {"bandwidth", bandwidth},
                  {"latency", latency},
                  {"alarms", report.alarms},
                  {"simulated_ps", of_machine(report.simulated.count())},
                  {"clocks", of_machine(report.clocks.count())},
                  {"wall_s", std::chrono::duration<double>(report.wall).count()}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace holdover::bench
