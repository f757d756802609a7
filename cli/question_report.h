// SPDX-License-Identifier: MIT
// Answers to open questions: for people, for documentation, for programs.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "bench/questions/question.h"

namespace holdover::cli {

class QuestionReport {
 public:
  explicit QuestionReport(std::uint64_t seed) : seed_(seed) {}

  // `question` outlives the report.
  void add(const bench::Question& question, bench::Answer answer);
  // 0 every question has an answer, 3 one is undecided.
  [[nodiscard]] int exit_code() const;

  // Of the question that was added last.
  void print_last(std::ostream& out) const;
  [[nodiscard]] std::string to_markdown() const;
  [[nodiscard]] std::string to_json() const;

 private:
  struct Row {
    const bench::Question* question = nullptr;
    bench::Answer answer;
  };

  std::uint64_t seed_;
  std::vector<Row> rows_;
};

}  // namespace holdover::cli
