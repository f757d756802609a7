// SPDX-License-Identifier: MIT
#include "cli/regress_report.h"

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/version.h"

namespace holdover::cli {
namespace {

using Outcome = RunResult::Outcome;
using Json = nlohmann::ordered_json;

std::uint64_t per_second(std::uint64_t clocks, std::uint64_t microseconds) {
  return microseconds == 0 ? 0 : clocks * 1'000'000 / microseconds;
}

}  // namespace

const char* name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::Pass:
      return "pass";
    case Outcome::Fail:
      return "fail";
    case Outcome::Inconclusive:
      return "inconclusive";
    case Outcome::Error:
      return "error";
  }
  return "";
}

void RegressReport::count(Count& count, const RunResult& result) {
  switch (result.outcome) {
    case Outcome::Pass:
      ++count.passed;
      break;
    case Outcome::Fail:
      ++count.failed;
      break;
    case Outcome::Inconclusive:
      ++count.inconclusive;
      break;
    case Outcome::Error:
      ++count.errors;
      break;
  }
  count.clocks += result.clocks;
  count.wall_microseconds += result.wall_microseconds;
}

void RegressReport::add(const bench::RunOptions& options, const RunResult& result) {
  count(total_, result);
  count(counts_[{options.topology, options.width}], result);
  if (result.outcome != Outcome::Pass) findings_.push_back({options, result});
}

int RegressReport::exit_code() const {
  if (total_.failed != 0) return 1;
  if (total_.errors != 0) return 2;
  return total_.inconclusive != 0 ? 3 : 0;
}

void RegressReport::print_row(std::ostream& out, const std::string& topology, const std::string& width,
                              const Count& count) {
  std::array<char, 160> line{};
  std::snprintf(line.data(), line.size(), "%-10s %6s %8llu %8llu %8llu %13llu %8llu %12llu %14llu\n", topology.c_str(),
                width.c_str(), static_cast<unsigned long long>(count.runs()),
                static_cast<unsigned long long>(count.passed), static_cast<unsigned long long>(count.failed),
                static_cast<unsigned long long>(count.inconclusive), static_cast<unsigned long long>(count.errors),
                static_cast<unsigned long long>(count.clocks),
                static_cast<unsigned long long>(per_second(count.clocks, count.wall_microseconds)));
  out << line.data();
}

void RegressReport::print(std::ostream& out) const {
  out << "topology    width     runs   passed   failed  inconclusive   errors       clocks  clocks/s each\n";
  for (const auto& [key, each] : counts_) print_row(out, key.first, std::to_string(key.second), each);
  print_row(out, "all", "", total_);
}

std::string RegressReport::to_json(std::uint64_t first, std::uint64_t asked,
                                   const std::vector<std::string>& missing) const {
  const auto row = [](const Count& count) {
    return Json{{"runs", count.runs()},
                {"passed", count.passed},
                {"failed", count.failed},
                {"inconclusive", count.inconclusive},
                {"errors", count.errors},
                {"clocks", count.clocks},
                {"wall_us", count.wall_microseconds}};
  };
  Json rows = Json::array();
  for (const auto& [key, each] : counts_) {
    Json one{{"topology", key.first}, {"width", key.second}};
    one.update(row(each));
    rows.push_back(one);
  }
  Json findings = Json::array();
  for (const Finding& finding : findings_) {
    findings.push_back({{"seed", finding.options.seed},
                        {"outcome", name_of(finding.result.outcome)},
                        {"sentence", finding.result.sentence},
                        {"replay", bench::command_line(finding.options)}});
  }
  const Json json{{"schema_version", 1},       {"program", {{"version", kVersion}, {"commit", kCommit}}},
                  {"first_seed", first},       {"seeds", asked},
                  {"total", row(total_)},      {"by_topology_and_width", rows},
                  {"models_missing", missing}, {"findings", findings}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace holdover::cli
