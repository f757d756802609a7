// SPDX-License-Identifier: MIT
// A check of CLI11 options that take a whole number.
#pragma once

#include <algorithm>
#include <functional>
#include <string>

namespace holdover::cli {

// Complains with a sentence of its own about what is not digits alone, and about 0 where `least` is 1.
inline std::function<std::string(const std::string&)> whole_number(unsigned least) {
  return [least](const std::string& text) {
    const bool digits =
        !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    const bool zero = std::all_of(text.begin(), text.end(), [](char c) { return c == '0'; });
    if (digits && (least == 0 || !zero)) return std::string{};
    return "«" + text + "» is not possible; it takes a whole number" + (least == 0 ? "" : " above 0");
  };
}

}  // namespace holdover::cli
