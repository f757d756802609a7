// SPDX-License-Identifier: MIT
#include "pcie/bdf.h"

#include <charconv>
#include <cstdio>

#include "pcie/error.h"

namespace holdover::pcie {
namespace {

// Takes a hexadecimal number of 1 to `digits` digits up to `separator` (or the end for 0) off `text`.
bool take(std::string_view& text, char separator, std::size_t digits, unsigned limit, unsigned& value) {
  const std::size_t end = separator == 0 ? text.size() : text.find(separator);
  if (end == std::string_view::npos || end == 0 || end > digits) return false;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + end, value, 16);
  if (error != std::errc{} || stop != text.data() + end || value > limit) return false;
  text.remove_prefix(separator == 0 ? end : end + 1);
  return true;
}

}  // namespace

Bdf Bdf::parse(std::string_view text) {
  std::string_view rest = text;
  unsigned segment = 0;
  unsigned bus = 0;
  unsigned device = 0;
  unsigned function = 0;
  const bool has_segment = rest.find(':') != rest.rfind(':');
  if ((has_segment && !take(rest, ':', 4, 0xffff, segment)) || !take(rest, ':', 2, 0xff, bus) ||
      !take(rest, '.', 2, 0x1f, device) || !take(rest, 0, 1, 0x7, function)) {
    throw Error{ErrorCode::InvalidArgument,
                "«" + std::string{text} + "» is not a PCI address; expected «0000:02:00.0»"};
  }
  return Bdf{static_cast<std::uint16_t>(segment), static_cast<std::uint8_t>(bus), static_cast<std::uint8_t>(device),
             static_cast<std::uint8_t>(function)};
}

std::string Bdf::to_string() const {
  char text[24];
  std::snprintf(text, sizeof text, "%04x:%02x:%02x.%x", unsigned{segment}, unsigned{bus}, unsigned{device},
                unsigned{function});
  return text;
}

}  // namespace holdover::pcie
