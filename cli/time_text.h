// SPDX-License-Identifier: MIT
// Simulated time as people write it on a command line.
#pragma once

#include <optional>
#include <string_view>

#include "pcie/units.h"

namespace holdover::cli {

inline constexpr std::string_view kTimeForms = "a number and a unit (ps, ns, us, ms or s), for example 250us or 1.5ms";

// Exact to the picosecond; nothing where the text is no time, is finer than that, or does not fit.
[[nodiscard]] std::optional<Time> parse_time(std::string_view text);

}  // namespace holdover::cli
