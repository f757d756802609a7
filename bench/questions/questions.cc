// SPDX-License-Identifier: MIT
#include "bench/questions/runs/questions.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "bench/questions/question.h"
#include "bench/questions/verbs/questions.h"
#include "pcie/error.h"

namespace holdover::bench {
namespace {

constexpr std::array kQuestions{
    kQuestion01, kQuestion02, kQuestion03, kQuestion04, kQuestion05, kQuestion06, kQuestion07,
    kQuestion08, kQuestion09, kQuestion10, kQuestion11, kQuestion12, kQuestion13, kQuestion14,
    kQuestion15, kQuestion16, kQuestion17, kQuestion18, kQuestion19, kQuestion20,
};

bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

std::span<const Question> questions() { return kQuestions; }

const Question& find_question(std::string_view name) {
  const auto found = std::find_if(kQuestions.begin(), kQuestions.end(),
                                  [&](const Question& entry) { return same_name(entry.name, name); });
  if (found != kQuestions.end()) return *found;
  std::string names;
  for (const Question& entry : kQuestions) names += (names.empty() ? "" : ", ") + std::string(entry.name);
  throw Error(ErrorCode::InvalidArgument, "question: there is no " + std::string(name) + "; there are " + names);
}

}  // namespace holdover::bench
