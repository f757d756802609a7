// SPDX-License-Identifier: MIT
#include "bench/questions/verbs/slot_platform.h"

#include <algorithm>

namespace holdover::bench {

void SlotPlatform::set_present(unsigned port, bool present) {
  if (present) {
    empty_.erase(port);
  } else {
    empty_.insert(port);
  }
}

bool SlotPlatform::absent(pcie::Bdf function) const {
  return function.bus != 0 &&
         std::any_of(empty_.begin(), empty_.end(), [&](unsigned port) { return bus_below_(port) == function.bus; });
}

std::uint32_t SlotPlatform::config_read(pcie::Bdf function, Bytes offset, unsigned size) {
  if (absent(function)) return ~std::uint32_t{0} >> (32 - 8 * size);
  return platform_.config_read(function, offset, size);
}

void SlotPlatform::config_write(pcie::Bdf function, Bytes offset, unsigned size, std::uint32_t value) {
  if (!absent(function)) platform_.config_write(function, offset, size, value);
}

}  // namespace holdover::bench
