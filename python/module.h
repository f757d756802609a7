// SPDX-License-Identifier: MIT
// The parts that the extension module is made of. Each adds its own classes and functions; none holds logic of the
// bench.
#pragma once

#include <pybind11/pybind11.h>

namespace holdover::python {

namespace py = pybind11;

// For classes whose objects come from calls of others only: an object that nobody made would be memory that nobody
// wrote.
[[nodiscard]] py::custom_type_setup made_by_others();

void bind_scenarios(py::module_& module);
void bind_measurement(py::module_& module);
void bind_trace(py::module_& module);
// In this order: a signature names what was bound before.
void bind_memory(py::module_& module);
void bind_device(py::module_& module);
void bind_driver(py::module_& module);
void bind_machine(py::module_& module);

}  // namespace holdover::python
