// SPDX-License-Identifier: MIT
// One target as libFuzzer calls it.
#include <cstddef>
#include <cstdint>

#include "pcie/error.h"
#include "tests/fuzz/target.h"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const holdover::fuzz::Target* const kTarget = holdover::fuzz::find_target(HOLDOVER_FUZZ_TARGET);
  HOLDOVER_CHECK(kTarget != nullptr);
  kTarget->run({data, size});
  return 0;
}
