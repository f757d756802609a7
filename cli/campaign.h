// SPDX-License-Identifier: MIT
// What a seed stands for in a campaign: a whole run, every parameter of which is drawn.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/run.h"
#include "sim/model_library.h"

namespace holdover::cli {

// A pure function of the seed and of `models` (not empty): each parameter has random numbers of its own, so that
// another model that becomes available changes nothing else of a seed. `base` says what is not drawn.
[[nodiscard]] bench::RunOptions draw(std::uint64_t seed, const std::vector<sim::ModelSize>& models,
                                     const bench::RunOptions& base);

// «512x8».
[[nodiscard]] std::string to_string(const sim::ModelSize& size);

}  // namespace holdover::cli
