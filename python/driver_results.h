// SPDX-License-Identifier: MIT
// What the endpoint's registers and completion records say, as objects of Python.
#pragma once

#include <pybind11/pybind11.h>

namespace holdover::python {

// holdover.DmaStatus; the number itself where it has no such value.
[[nodiscard]] pybind11::object status_of(unsigned status);

void bind_results(pybind11::module_& module);

}  // namespace holdover::python
