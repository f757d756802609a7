// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>

#include "bench/questions/question.h"
#include "pcie/error.h"

namespace holdover::bench {
namespace {

constexpr std::array<Question, 0> kQuestions{};

}  // namespace

std::span<const Question> questions() { return kQuestions; }

const Question& find_question(std::string_view name) {
  const auto found =
      std::find_if(kQuestions.begin(), kQuestions.end(), [&](const Question& entry) { return entry.name == name; });
  if (found != kQuestions.end()) return *found;
  std::string names;
  for (const Question& entry : kQuestions) names += (names.empty() ? "" : ", ") + std::string(entry.name);
  throw Error(ErrorCode::InvalidArgument, "question: there is no " + std::string(name) + "; there are " + names);
}

}  // namespace holdover::bench
