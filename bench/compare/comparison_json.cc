// SPDX-License-Identifier: MIT
#include <nlohmann/json.hpp>

#include "bench/compare/comparison.h"

namespace holdover::bench {
namespace {

using Json = nlohmann::ordered_json;

Json meaning_json(const std::optional<Meaning>& meaning) {
  if (!meaning) return nullptr;
  return {{"register", meaning->name}, {"value", meaning->value}};
}

Json row_json(const ComparedRow& row) {
  return {{"recorded", meaning_json(row.recorded)},
          {"emulated", meaning_json(row.emulated)},
          {"same", row.same()},
          {"accepted", row.accepted == nullptr ? Json(nullptr) : Json(row.accepted->name)}};
}

}  // namespace

std::string to_json(const Comparison& comparison) {
  Json parts = Json::array();
  for (const ComparedWrites& part : comparison.parts) {
    Json rows = Json::array();
    for (const ComparedRow& row : part.rows) rows.push_back(row_json(row));
    parts.push_back({{"role", to_string(part.role)}, {"phase", to_string(part.phase)}, {"rows", std::move(rows)}});
  }
  const Json report = {{"schema", "holdover-compare-trace-1"},
                       {"log", comparison.log},
                       {"profile", comparison.profile},
                       {"profile_reason", comparison.profile_reason},
                       {"driver_bound", comparison.driver_bound},
                       {"jump", comparison.crash ? "crash" : "kexec"},
                       {"notes", comparison.notes},
                       {"writes", comparison.writes()},
                       {"differences", comparison.differences()},
                       {"accepted", comparison.accepted()},
                       {"parts", std::move(parts)}};
  // Names that a log brought along need not be text.
  return report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace holdover::bench
