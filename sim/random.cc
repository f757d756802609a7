// SPDX-License-Identifier: MIT
#include "sim/random.h"

#include "pcie/error.h"

namespace holdover::sim {
namespace {

// A bijection of 64-bit numbers whose every output bit depends on every input bit.
std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58'476D'1CE4'E5B9;
  x = (x ^ (x >> 27)) * 0x94D0'49BB'1331'11EB;
  return x ^ (x >> 31);
}

constexpr std::uint64_t kStep = 0x9E37'79B9'7F4A'7C15;  // odd: the counter visits every number

}  // namespace

Random::Random(std::uint64_t seed, std::string_view path) : key_(mix(seed + kStep)) {
  for (const char c : path) key_ = mix(key_ ^ static_cast<unsigned char>(c)) + kStep;
}

std::uint64_t Random::next() { return mix(key_ + kStep * ++counter_); }

std::uint64_t Random::below(std::uint64_t bound) {
  if (bound < 2) return 0;
  // Numbers under the threshold would make the first residues more likely than the others.
  const std::uint64_t threshold = (0 - bound) % bound;
  for (;;) {
    const std::uint64_t value = next();
    if (value >= threshold) return value % bound;
  }
}

Time Random::between(Time low, Time high) {
  HOLDOVER_CHECK(low <= high);
  return low + Time{below((high - low).count() + 1)};
}

}  // namespace holdover::sim
