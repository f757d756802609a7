// SPDX-License-Identifier: MIT
// The address of a PCI function: segment (domain), bus, device, function.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace holdover::pcie {

// Bus, device and function as they travel in a TLP (PCIe 5.0, 2.2.4.2): bus[15:8] device[7:3] function[2:0].
using RequesterId = std::uint16_t;

struct Bdf {
  std::uint16_t segment = 0;
  std::uint8_t bus = 0;
  std::uint8_t device = 0;    // 0..31
  std::uint8_t function = 0;  // 0..7

  // Accepts «02:00.0» and «0000:02:00.0», hexadecimal. Throws Error{InvalidArgument}.
  [[nodiscard]] static Bdf parse(std::string_view text);
  [[nodiscard]] static constexpr Bdf from_requester_id(RequesterId id, std::uint16_t segment = 0) {
    return Bdf{segment, static_cast<std::uint8_t>(id >> 8), static_cast<std::uint8_t>((id >> 3) & 0x1f),
               static_cast<std::uint8_t>(id & 0x7)};
  }
  [[nodiscard]] constexpr RequesterId requester_id() const {
    return static_cast<RequesterId>((bus << 8) | (device << 3) | function);
  }
  [[nodiscard]] std::string to_string() const;  // «0000:02:00.0»

  friend constexpr auto operator<=>(const Bdf&, const Bdf&) = default;
};

}  // namespace holdover::pcie
