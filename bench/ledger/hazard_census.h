// SPDX-License-Identifier: MIT
// Which hazards were seen in a run, told by what reached configuration space, the IOMMU and the interrupt controller.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/hazards.h"
#include "bench/ledger/config_ledger.h"
#include "bench/ledger/scene.h"
#include "sim/witness.h"

namespace holdover::bench {

class HazardCensus {
 public:
  // Both outlive it. `dram`: where the IOMMU's tables stand.
  HazardCensus(const Scene& scene, std::span<const std::byte> dram) : scene_(scene), dram_(dram) {}

  // `before`: the function as it was.
  void on_config_write(const sim::ConfigWrite& write, const ConfigShadow& before);
  void on_platform(Time time, const sim::PlatformState& before, const sim::PlatformState& after);
  // A phase has begun, or the run is over: looks at what stands in DRAM.
  void look(Time time);

  // Ascending. Counted while the window is open, and where it never closes properly until the host gives up.
  [[nodiscard]] std::vector<HazardSighting> sightings() const;

 private:
  [[nodiscard]] bool counting() const;
  void sight(Time time, std::string_view name, const std::string& where);
  // The two words of the endpoint's context entry; nothing where there is no table.
  [[nodiscard]] std::optional<std::pair<std::uint64_t, std::uint64_t>> context(unsigned endpoint) const;

  const Scene& scene_;
  std::span<const std::byte> dram_;
  PhysicalAddress root_table_;
  std::map<unsigned, std::pair<std::uint64_t, std::uint64_t>> attached_;  // of endpoints, when the window opened
  std::map<std::string_view, HazardSighting> sightings_;
};

}  // namespace holdover::bench
