// SPDX-License-Identifier: MIT
// The extension module `_holdover`. The package `holdover` around it is what people import.
#include "python/module.h"

#include "cli/version.h"
#include "python/errors.h"
#include "python/interruption.h"

namespace holdover::python {

py::custom_type_setup made_by_others() {
  return py::custom_type_setup([](PyHeapTypeObject* type) {
    type->ht_type.tp_new = [](PyTypeObject* asked, PyObject*, PyObject*) -> PyObject* {
      PyErr_Format(PyExc_TypeError, "%s cannot be made; calls of others give it", asked->tp_name);
      return nullptr;
    };
  });
}

}  // namespace holdover::python

PYBIND11_MODULE(_holdover, module) {
  using namespace holdover::python;
  module.doc() = "The C++ side of the package holdover.";
  module.attr("__version__") = holdover::cli::kVersion;
  module.attr("__commit__") = holdover::cli::kCommit;
  translate_errors();
  watch_the_interpreters_end();
  bind_scenarios(module);
  bind_measurement(module);
  bind_trace(module);
  bind_memory(module);
  bind_driver(module);
  bind_device(module);
  bind_machine(module);
}
