// SPDX-License-Identifier: MIT
#include "host/kernel/sysfs/format.h"

#include <array>
#include <charconv>
#include <cstdio>
#include <limits>

namespace holdover::host::kernel::sysfs {

std::string emit(const char* format, ...) {
  std::array<char, 256> buffer{};
  va_list arguments;
  va_start(arguments, format);
  const int size = std::vsnprintf(buffer.data(), buffer.size(), format, arguments);
  va_end(arguments);
  return {buffer.data(), static_cast<std::size_t>(size)};
}

Text shows(std::function<std::string()> show) {
  Text text;
  text.show = [show = std::move(show)] { return Shown{0, show()}; };
  return text;
}

std::string_view trimmed(std::string_view text) {
  if (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  return text;
}

std::optional<unsigned long> parse_unsigned(std::string_view text) {
  std::string_view digits = trimmed(text);
  if (!digits.empty() && digits.front() == '+') digits.remove_prefix(1);
  int base = 10;
  if (digits.size() > 2 && digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X')) {
    base = 16;
    digits.remove_prefix(2);
  } else if (digits.size() > 1 && digits[0] == '0') {
    base = 8;
  }
  unsigned long value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

std::optional<int> parse_int(std::string_view text) {
  const bool negative = !text.empty() && text.front() == '-';
  const std::optional<unsigned long> value = parse_unsigned(negative ? text.substr(1) : text);
  if (!value || (negative && text.size() > 1 && text[1] == '+')) return std::nullopt;
  if (*value > static_cast<unsigned long>(std::numeric_limits<int>::max())) return std::nullopt;
  return negative ? -static_cast<int>(*value) : static_cast<int>(*value);
}

}  // namespace holdover::host::kernel::sysfs
