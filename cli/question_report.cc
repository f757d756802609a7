// SPDX-License-Identifier: MIT
#include "cli/question_report.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>
#include <sstream>
#include <utility>

#include "cli/version.h"

namespace holdover::cli {
namespace {

using Json = nlohmann::ordered_json;

// A cell of a table must not end it.
std::string cell(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, "\\");
  return text;
}

// Characters that a terminal shows: UTF-8 without the bytes that continue one.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0u) != 0x80u; }));
}

}  // namespace

void QuestionReport::add(const bench::Question& question, bench::Answer answer) {
  rows_.push_back({&question, std::move(answer)});
}

int QuestionReport::exit_code() const {
  return std::all_of(rows_.begin(), rows_.end(), [](const Row& row) { return row.answer.decided; }) ? 0 : 3;
}

void QuestionReport::print_last(std::ostream& out) const {
  const auto& [question, answer] = rows_.back();
  out << (rows_.size() > 1 ? "\n" : "") << question->name << "  " << question->question << "\n\n"
      << "set-up: " << question->set_up << "\n\n";
  std::size_t width = 0;
  for (const bench::Observation& seen : answer.observations) width = std::max(width, width_of(seen.what));
  for (const bench::Observation& seen : answer.observations) {
    out << "  " << seen.what << std::string(width - width_of(seen.what) + 2, ' ') << seen.seen << '\n';
  }
  out << "\n" << (answer.decided ? "answer: " : "undecided: ") << answer.sentence << '\n';
  if (!answer.commands.empty()) out << '\n';
  for (const std::string& command : answer.commands) out << "again: " << command << '\n';
}

std::string QuestionReport::to_markdown() const {
  std::ostringstream out;
  for (const auto& [question, answer] : rows_) {
    out << "\n## " << question->name << ": " << question->question << "\n\n"
        << "**" << (answer.decided ? "Answer" : "Undecided") << ":** " << answer.sentence << "\n\n"
        << "Set-up: " << question->set_up << "\n\n";
    if (!answer.observations.empty()) out << "| observed | |\n|---|---|\n";
    for (const bench::Observation& seen : answer.observations) {
      out << "| " << cell(seen.what) << " | " << cell(seen.seen) << " |\n";
    }
    if (answer.commands.empty()) continue;
    out << "\n```\n";
    for (const std::string& command : answer.commands) out << command << '\n';
    out << "```\n";
  }
  out << '\n';
  return out.str();
}

std::string QuestionReport::to_json() const {
  Json all = Json::array();
  for (const auto& [question, answer] : rows_) {
    Json observations = Json::array();
    for (const bench::Observation& seen : answer.observations) {
      observations.push_back({{"what", seen.what}, {"seen", seen.seen}});
    }
    all.push_back({{"name", question->name},
                   {"question", question->question},
                   {"set_up", question->set_up},
                   {"decided", answer.decided},
                   {"answer", answer.sentence},
                   {"observations", observations},
                   {"commands", answer.commands}});
  }
  const Json json{{"schema_version", 1},
                  {"program", {{"version", kVersion}, {"commit", kCommit}}},
                  {"seed", seed_},
                  {"questions", all}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace holdover::cli
