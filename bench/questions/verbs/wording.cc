// SPDX-License-Identifier: MIT
#include "bench/questions/verbs/wording.h"

#include <cstring>

#include "host/kernel/errno.h"

namespace holdover::bench {

std::string join(const std::vector<std::string>& names) {
  if (names.empty()) return "none";
  std::string text = names.front();
  for (std::size_t index = 1; index < names.size(); ++index) {
    text += (index + 1 == names.size() ? " and " : ", ") + names[index];
  }
  return text;
}

std::string join(const std::vector<pcie::Bdf>& functions) {
  std::vector<std::string> names;
  names.reserve(functions.size());
  for (const pcie::Bdf function : functions) names.push_back(function.to_string());
  return join(names);
}

std::string errno_text(int error) {
  if (error == 0) return "0";
  if (error == host::kernel::kNeverReturns) return "never returns";
  const char* const name = strerrorname_np(error);
  return name == nullptr ? "errno " + std::to_string(error) : name;
}

std::string count_of(std::size_t count, const std::string& thing) {
  return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

}  // namespace holdover::bench
