// SPDX-License-Identifier: MIT
// The bytes of a memory access that its byte enables select, as one run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "sim/witness.h"

namespace holdover::bench {

struct ByteRun {
  std::uint64_t iova = 0;
  PhysicalAddress address;
  std::span<const std::byte> bytes;
  bool contiguous = true;  // false: the enables have holes; the run spans first to last enabled byte
};

[[nodiscard]] inline ByteRun enabled_run(const sim::MemoryAccess& access) {
  std::size_t first = 0;
  std::size_t end = access.data.size();
  bool contiguous = true;
  if (!access.enabled.empty()) {
    end = access.enabled.size();
    while (first < end && !access.enabled[first]) ++first;
    while (end > first && !access.enabled[end - 1]) --end;
    for (std::size_t i = first; i < end; ++i) contiguous = contiguous && access.enabled[i];
  }
  return {access.iova.raw() + first, access.address + Bytes{first}, access.data.subspan(first, end - first),
          contiguous};
}

}  // namespace holdover::bench
