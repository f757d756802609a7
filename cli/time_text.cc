// SPDX-License-Identifier: MIT
#include "cli/time_text.h"

#include <array>
#include <cstdint>
#include <limits>

namespace holdover::cli {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t picoseconds;
};
constexpr std::array<Unit, 6> kUnits{
    {{"ps", 1}, {"ns", 1'000}, {"us", 1'000'000}, {"µs", 1'000'000}, {"ms", 1'000'000'000}, {"s", 1'000'000'000'000}}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// total * 10 + digit, nothing where it does not fit.
std::optional<std::uint64_t> append_digit(std::uint64_t total, char digit) {
  const auto value = static_cast<std::uint64_t>(digit - '0');
  if (total > (std::numeric_limits<std::uint64_t>::max() - value) / 10) {
    return std::nullopt;
  }
  return total * 10 + value;
}

}  // namespace

std::optional<Time> parse_time(std::string_view text) {
  // Digits without the point, and how many of them stand behind it.
  std::uint64_t digits = 0;
  unsigned behind_point = 0;
  bool point = false;
  bool any = false;
  std::size_t at = 0;
  for (; at < text.size() && (is_digit(text[at]) || (text[at] == '.' && !point)); ++at) {
    if (text[at] == '.') {
      point = true;
      continue;
    }
    const std::optional<std::uint64_t> more = append_digit(digits, text[at]);
    if (!more) {
      return std::nullopt;
    }
    digits = *more;
    any = true;
    behind_point += point ? 1 : 0;
  }
  if (!any || (point && behind_point == 0)) {
    return std::nullopt;
  }
  while (at < text.size() && text[at] == ' ') {
    ++at;
  }
  for (const Unit& unit : kUnits) {
    if (text.substr(at) != unit.name) {
      continue;
    }
    std::uint64_t scale = unit.picoseconds;
    for (; behind_point > 0 && scale % 10 == 0; --behind_point) {
      scale /= 10;
    }
    for (; behind_point > 0 && digits % 10 == 0; --behind_point) {
      digits /= 10;
    }
    if (behind_point > 0 || (digits != 0 && scale > std::numeric_limits<std::uint64_t>::max() / digits)) {
      return std::nullopt;
    }
    return Time{digits * scale};
  }
  return std::nullopt;
}

}  // namespace holdover::cli
