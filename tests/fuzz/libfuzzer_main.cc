// SPDX-License-Identifier: MIT
// One target as libFuzzer calls it.
#include <cstddef>
#include <cstdint>

#include "pcie/error.h"
#include "tests/fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const holdover::fuzz::Target* const target = holdover::fuzz::find_target(HOLDOVER_FUZZ_TARGET);
  HOLDOVER_CHECK(target != nullptr);
  target->run({data, size});
  return 0;
}
