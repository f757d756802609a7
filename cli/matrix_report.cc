// SPDX-License-Identifier: MIT
#include "cli/matrix_report.h"

#include <algorithm>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <ostream>
#include <sstream>
#include <utility>

#include "cli/regress_report.h"
#include "cli/version.h"

namespace holdover::cli {
namespace {

using Outcome = RunResult::Outcome;
using Json = nlohmann::ordered_json;

unsigned number_of(bench::Check check) { return static_cast<unsigned>(check) + 1; }

// «PASS», the numbers of the failed checks, or what else came of it.
std::string short_text(const RunResult& result) {
  if (result.outcome == Outcome::Pass) return "PASS";
  if (result.outcome != Outcome::Fail || result.failed.empty()) return name_of(result.outcome);
  std::string text;
  for (const bench::Check check : result.failed) text += (text.empty() ? "" : " ") + std::to_string(number_of(check));
  return text;
}

std::string first_check(const RunResult& result) {
  if (!result.first_failed) return "";
  return std::to_string(number_of(*result.first_failed)) + " " + std::string(to_string(*result.first_failed));
}

// What a headline says after verdict and checks.
std::string cause_of(const RunResult& result) {
  if (result.outcome == Outcome::Pass) return "";
  const std::size_t end = result.sentence.find("): ");
  return end == std::string::npos ? result.sentence : result.sentence.substr(end + 3);
}

std::string legend() {
  std::string text;
  for (unsigned check = 0; check < bench::kCheckCount; ++check) {
    text += (check == 0 ? "" : ", ") + std::to_string(check + 1) + " " +
            std::string(to_string(static_cast<bench::Check>(check)));
  }
  return text;
}

}  // namespace

MatrixReport::MatrixReport(std::vector<std::string> kernels)
    : kernels_(std::move(kernels)), cells_(kernels_.size() * kernels_.size()) {}

void MatrixReport::add(const bench::RunOptions& options, const RunResult& result) {
  const auto index = [this](const std::string& kernel) {
    return static_cast<std::size_t>(std::find(kernels_.begin(), kernels_.end(), kernel) - kernels_.begin());
  };
  cells_.at(index(options.from) * kernels_.size() + index(options.to)) = {true, options, result};
}

std::size_t MatrixReport::done() const {
  return static_cast<std::size_t>(
      std::count_if(cells_.begin(), cells_.end(), [](const Cell& cell) { return cell.done; }));
}

int MatrixReport::exit_code() const {
  const auto any = [this](Outcome outcome) {
    return std::any_of(cells_.begin(), cells_.end(),
                       [outcome](const Cell& cell) { return cell.done && cell.result.outcome == outcome; });
  };
  if (any(Outcome::Error)) return 2;
  return any(Outcome::Inconclusive) ? 3 : 0;
}

void MatrixReport::print(std::ostream& out) const {
  std::size_t width = 6;
  for (const std::string& kernel : kernels_) width = std::max(width, kernel.size());
  std::size_t cell_width = 5;
  for (const Cell& cell : cells_) cell_width = std::max(cell_width, short_text(cell.result).size());
  const auto column = [&](const std::string& text) {
    out << "  " << std::left << std::setw(static_cast<int>(cell_width)) << text;
  };
  out << std::left << std::setw(static_cast<int>(width)) << "from";
  for (std::size_t to = 0; to < kernels_.size(); ++to) column("to " + std::to_string(to + 1));
  out << '\n';
  for (std::size_t from = 0; from < kernels_.size(); ++from) {
    out << std::left << std::setw(static_cast<int>(width)) << kernels_[from];
    for (std::size_t to = 0; to < kernels_.size(); ++to) {
      column(cell(from, to).done ? short_text(cell(from, to).result) : "-");
    }
    out << '\n';
  }
  out << "\nto:";
  for (std::size_t to = 0; to < kernels_.size(); ++to) out << (to == 0 ? " " : ", ") << to + 1 << " " << kernels_[to];
  out << "\nfailed checks: " << legend() << "\n\n";
  for (const Cell& cell : cells_) {
    if (!cell.done) continue;
    out << std::left << std::setw(static_cast<int>(width)) << cell.options.from << "  "
        << std::setw(static_cast<int>(width)) << cell.options.to << "  " << std::setw(12)
        << name_of(cell.result.outcome) << "  " << std::setw(21) << first_check(cell.result) << "  "
        << cause_of(cell.result) << '\n';
  }
}

std::string MatrixReport::to_markdown() const {
  std::ostringstream out;
  out << "| from \\ to |";
  for (const std::string& kernel : kernels_) out << " `" << kernel << "` |";
  out << "\n|---|";
  for (std::size_t to = 0; to < kernels_.size(); ++to) out << "---|";
  out << '\n';
  for (std::size_t from = 0; from < kernels_.size(); ++from) {
    out << "| `" << kernels_[from] << "` |";
    for (std::size_t to = 0; to < kernels_.size(); ++to) {
      out << ' ' << (cell(from, to).done ? short_text(cell(from, to).result) : "-") << " |";
    }
    out << '\n';
  }
  out << "\nFailed checks: " << legend() << ".\n\n";
  out << "| from | to | verdict | first failing check | cause |\n|---|---|---|---|---|\n";
  for (const Cell& cell : cells_) {
    if (!cell.done) continue;
    out << "| `" << cell.options.from << "` | `" << cell.options.to << "` | " << name_of(cell.result.outcome) << " | "
        << first_check(cell.result) << " | " << cause_of(cell.result) << " |\n";
  }
  return out.str();
}

std::string MatrixReport::to_json() const {
  Json rows = Json::array();
  for (const Cell& cell : cells_) {
    if (!cell.done) continue;
    Json failed = Json::array();
    for (const bench::Check check : cell.result.failed) failed.push_back(std::string(identifier(check)));
    rows.push_back({{"from", cell.options.from},
                    {"to", cell.options.to},
                    {"outcome", name_of(cell.result.outcome)},
                    {"failed", failed},
                    {"first_failed", cell.result.first_failed ? Json(std::string(identifier(*cell.result.first_failed)))
                                                              : Json(nullptr)},
                    {"cause", cause_of(cell.result)},
                    {"replay", bench::command_line(cell.options)}});
  }
  const Json json{{"schema_version", 1},
                  {"program", {{"version", kVersion}, {"commit", kCommit}}},
                  {"kernels", kernels_},
                  {"pairs", rows}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace holdover::cli
