// SPDX-License-Identifier: MIT
// What kernels are known to do to a running device between two kernels, as far as a bench can tell it from outside.
// docs/hazards.md lists them. A sighting is no verdict: most of these disturb nothing where they are done well.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "pcie/instrument.h"
#include "pcie/units.h"

namespace holdover::bench {

struct HazardEntry {
  std::string_view name;  // «H014»
  std::string_view sentence;
};
// Ascending.
[[nodiscard]] std::span<const HazardEntry> observable_hazards();

struct HazardSighting {
  std::string_view name;
  Time first;
  std::string where;  // «0000:01:00.0 (endpoint 0)», empty for the platform
  std::string host;   // «kernel B»
  pcie::Phase phase = pcie::Phase::Boot;
  std::uint64_t count = 0;
};

}  // namespace holdover::bench
