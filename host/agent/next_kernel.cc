// SPDX-License-Identifier: MIT
#include "host/agent/next_kernel.h"

#include <sstream>

namespace holdover::host {
namespace {

// «pci-v9:bus-numbers=keep» as «profile=pci-v9 policy=bus-numbers=keep».
std::string parameters_of(const std::string& kernel) {
  std::string parameters;
  std::istringstream words(kernel);
  for (std::string word; std::getline(words, word, ':');) {
    parameters += parameters.empty() ? "profile=" + word : " policy=" + word;
  }
  return parameters;
}

}  // namespace

std::optional<std::string> next_command_line(std::string_view command_line) {
  constexpr std::string_view kNext = "next=";
  std::optional<std::string> next;
  std::string others;
  std::istringstream words{std::string(command_line)};
  for (std::string word; words >> word;) {
    const bool names_kernel = word.starts_with(kNext);
    if (names_kernel && !next) {
      next = parameters_of(word.substr(kNext.size()));
    } else if (!word.starts_with("profile=") && !word.starts_with("policy=")) {
      others += " " + word;
    }
  }
  if (!next) return std::nullopt;
  return *next + others;
}

}  // namespace holdover::host
