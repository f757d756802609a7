// SPDX-License-Identifier: MIT
// Host memory that the endpoint reaches, under the address that the endpoint uses for it.
#pragma once

#include <cstddef>
#include <span>

#include "pcie/units.h"

namespace holdover::host {

struct DmaRegion {
  std::span<std::byte> bytes;
  Iova iova;
};

}  // namespace holdover::host
