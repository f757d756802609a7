// SPDX-License-Identifier: MIT
// How a hazard is told from one write to configuration space.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "bench/ledger/config_ledger.h"
#include "pcie/instrument.h"
#include "sim/witness.h"

namespace holdover::bench {

// One write, with what surrounds it.
struct ConfigEvent {
  const sim::ConfigWrite& write;
  const ConfigShadow& before;
  pcie::Phase phase;
  unsigned kernel;  // 0: kernel A

  // Bits of the double word whose bytes are enabled.
  [[nodiscard]] std::uint32_t enabled() const;
  // Masks are relative to `offset`. Whether the write reaches bytes that `mask` has bits in.
  [[nodiscard]] bool touches(unsigned offset, std::uint32_t mask) const;
  [[nodiscard]] bool changes(unsigned offset, std::uint32_t mask) const;
  [[nodiscard]] bool clears(unsigned offset, std::uint32_t mask) const;
  [[nodiscard]] bool sets(unsigned offset, std::uint32_t mask) const;
  // What the write says, in the bytes that it enables.
  [[nodiscard]] std::uint32_t written(std::uint32_t mask) const;
};

enum class Where : std::uint8_t { Endpoint, Bridge };

struct HazardRule {
  std::string_view name;
  Where where;
  bool (*fits)(const ConfigEvent&);
};
[[nodiscard]] std::span<const HazardRule> hazard_rules();

}  // namespace holdover::bench
