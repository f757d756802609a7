// SPDX-License-Identifier: MIT
// Counter-based random numbers: a stream is a pure function of the seed and of the component that draws from it, so
// adding a component changes nobody else's numbers.
#pragma once

#include <cstdint>
#include <string_view>

#include "pcie/units.h"

namespace holdover::sim {

class Random {
 public:
  // `path` names the component: «endpoint 0/link/credits».
  Random(std::uint64_t seed, std::string_view path);

  [[nodiscard]] std::uint64_t next();
  // Uniform over 0..bound-1; 0 where bound is 0 or 1.
  [[nodiscard]] std::uint64_t below(std::uint64_t bound);
  // Uniform over low..high, both included.
  [[nodiscard]] Time between(Time low, Time high);

 private:
  std::uint64_t key_;
  std::uint64_t counter_ = 0;
};

}  // namespace holdover::sim
