// SPDX-License-Identifier: MIT
// The rules of check 3 as tables: fields that may never change, and bits that are no part of the comparison.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/ledger/config_ledger.h"
#include "bench/ledger/evidence.h"

namespace holdover::bench {

struct NeverField {
  unsigned offset = 0;  // of the double word
  std::uint32_t mask = 0;
  std::string name;
  bool command = false;           // writing 1 is an act in itself, whatever the register reads (Initiate FLR)
  Evidence::Checks explains = 0;  // what a change of it may break; 0: nothing by itself
};
[[nodiscard]] std::vector<NeverField> never_fields(const ConfigShadow& function);

// Bits of the double word at `offset` that need not be as before: RW1C status, header log, PME status, Interrupt Line.
[[nodiscard]] std::uint32_t exempt_bits(const ConfigShadow& function, unsigned offset);

// Error bits that are set: «Unsupported Request Detected». Empty where there is none.
[[nodiscard]] std::string error_bits(const ConfigShadow& function);

}  // namespace holdover::bench
