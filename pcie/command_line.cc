// SPDX-License-Identifier: MIT
#include "pcie/command_line.h"

#include <algorithm>

namespace holdover {

std::string command_line_value(std::string_view line, std::string_view name) {
  const std::vector<std::string> values = command_line_values(line, name);
  return values.empty() ? std::string() : values.front();
}

std::vector<std::string> command_line_values(std::string_view line, std::string_view name) {
  std::vector<std::string> values;
  while (!line.empty()) {
    const std::string_view word = line.substr(0, line.find_first_of(" \t\n"));
    const bool ours = word.size() > name.size() && word.starts_with(name) && word[name.size()] == '=';
    if (ours) values.emplace_back(word.substr(name.size() + 1));
    line.remove_prefix(std::min(line.size(), word.size() + 1));
  }
  return values;
}

}  // namespace holdover
