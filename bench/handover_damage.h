// SPDX-License-Identifier: MIT
// Faults of the machine that change what one kernel hands to the next: somebody wrote over it while no processor ran.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "bench/run.h"
#include "pcie/units.h"

namespace holdover::bench {

struct HandoverDamage {
  TableEntry entry;
  // Between the last instruction of one kernel and the first of the next, which is entered with this page. False where
  // nothing of the kind is handed over.
  bool (*strike)(std::span<std::byte> dram, PhysicalAddress boot_parameters);
};

[[nodiscard]] std::span<const HandoverDamage> handover_damages();

}  // namespace holdover::bench
