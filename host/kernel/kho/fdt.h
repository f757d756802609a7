// SPDX-License-Identifier: MIT
// The one-page flattened device tree that the KHO tree begins with.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "host/kernel/kho/abi.h"
#include "host/kernel/kho/decode.h"

namespace holdover::host::kernel {

using FdtPage = std::array<std::byte, kho_abi::kPageBytes>;

// Nothing where the page is too small for these subtrees.
[[nodiscard]] std::optional<FdtPage> encode_fdt(PhysicalAddress memory_map, const std::vector<KhoSubtree>& subtrees);

struct DecodedFdt {
  PhysicalAddress memory_map;
  std::vector<KhoSubtree> subtrees;
};
// Nothing for a page that is no FDT, or not one of this version; `why` says what. The bytes are not trusted.
[[nodiscard]] std::optional<DecodedFdt> decode_fdt(std::span<const std::byte> page, std::string& why);

}  // namespace holdover::host::kernel
