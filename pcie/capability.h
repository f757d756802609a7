// SPDX-License-Identifier: MIT
// Walks the capability lists of a configuration space, through any reader.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

namespace holdover::pcie {

// Reads the 32-bit register at a byte offset (multiple of 4).
using ConfigReader = std::function<std::uint32_t(unsigned offset)>;

// Offset of a capability (PCIe 5.0, 7.5.1.1.11), nothing where the function has none or its list is broken.
[[nodiscard]] std::optional<unsigned> find_capability(const ConfigReader& read, std::uint8_t id);
// The same for extended capabilities (PCIe 5.0, 7.6.3).
[[nodiscard]] std::optional<unsigned> find_extended_capability(const ConfigReader& read, std::uint16_t id);

}  // namespace holdover::pcie
