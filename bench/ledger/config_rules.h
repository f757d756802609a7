// SPDX-License-Identifier: MIT
// The rules of check 3 as tables: fields that may never change, and bits that are no part of the comparison.
#pragma once

#include <cstdint>
#include <optional>
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
  unsigned invariant = 0;         // of live update, that says the same; 0: none
  bool interrupts = false;        // the agent may have been asked to switch it off and on
};
[[nodiscard]] std::vector<NeverField> never_fields(const ConfigShadow& function);

// A register that may be told its test value, and then what it was before, and nothing else: BARs, and the windows of
// a bridge that a kernel tries out.
struct SizedRegister {
  std::uint32_t mask = 0;  // bits that tell a test value
  std::uint32_t test = 0;
};
[[nodiscard]] std::optional<SizedRegister> sized_register(const ConfigShadow& function, unsigned offset);

// Bits of the double word at `offset` that need not be as before: RW1C status, header log, PME status, Interrupt Line.
[[nodiscard]] std::uint32_t exempt_bits(const ConfigShadow& function, unsigned offset);

// Error bits that are set: «Unsupported Request Detected». Empty where there is none.
[[nodiscard]] std::string error_bits(const ConfigShadow& function);

}  // namespace holdover::bench
