// SPDX-License-Identifier: MIT
#include <nlohmann/json.hpp>

#include "bench/field/continuity.h"
#include "bench/field/field_report.h"
#include "bench/verdict_report.h"
#include "host/driver/endpoint_regs.h"

namespace holdover::bench {

using Json = nlohmann::ordered_json;

std::string to_json(const FieldReport& report) {
  namespace global = host::regs::global;
  const Look& begin = report.state.begin;
  const SilenceLimit limit = silence_limit(report.state);
  const Verdict& verdict = report.verdict;
  const auto time_of = [&](const std::optional<Look>& look) {
    return look && look->answers != 0 ? Json(device_time(*look, look->clock).count()) : Json(nullptr);
  };
  const Json json = {{"schema_version", 1},
                     {"witness", "endpoint"},
                     {"program", {{"name", "holdover"}, {"version", report.version}, {"commit", report.commit}}},
                     {"command", report.command},
                     {"target", report.target},
                     {"parameters", text_of(report.state.parameters)},
                     {"endpoint",
                      {{"bdf", text_of(report.state.bdf)},
                       {"data_width", global::kCapabilitiesDataBytes.extract(begin.capabilities) * 8},
                       {"channels", global::kCapabilitiesChannels.extract(begin.capabilities)},
                       {"vectors", global::kCapabilitiesVectors.extract(begin.capabilities)},
                       {"clock_period_ps", begin.clock_period_ps}}},
                     {"time", "device"},
                     {"outcome", to_string(verdict.outcome)},
                     {"headline", verdict.headline},
                     {"reason", verdict.reason.empty() ? Json(nullptr) : Json(verdict.reason)},
                     {"first_finding", Json::parse(first_finding_to_json(verdict))},
                     {"checks", Json::parse(checks_to_json(verdict))},
                     {"silence",
                      {{"limit_ps", limit.limit.count()},
                       {"steady_ps", limit.steady.count()},
                       {"steady_records", limit.records},
                       {"declared", limit.declared}}},
                     {"looks",
                      {{"window_begin_ps", device_time(begin, begin.clock).count()},
                       {"before_kexec_ps", device_time(report.state.jump, report.state.jump.clock).count()},
                       {"after_kexec_ps", time_of(report.seen.first)},
                       {"window_end_ps", time_of(report.seen.closed)},
                       {"stopped_ps", time_of(report.seen.stopped)}}},
                     {"console", report.console}};
  constexpr int kIndent = 2;
  return json.dump(kIndent, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace holdover::bench
