// SPDX-License-Identifier: MIT
#pragma once

#include <pybind11/pybind11.h>

#include <string>
#include <utility>
#include <vector>

#include "bench/run.h"

namespace holdover::python {

// Option names and texts, as on the command line of `holdover run`.
using Settings = std::vector<std::pair<std::string, std::string>>;

// Throws Error{InvalidArgument} that names the option.
[[nodiscard]] bench::RunOptions compose(const Settings& settings);

// «10us» or a whole number of picoseconds; `what` is for the sentence.
[[nodiscard]] Time time_of(const pybind11::object& value, const char* what);

}  // namespace holdover::python
