// SPDX-License-Identifier: MIT
#include "python/errors.h"

#include <exception>

#include "pcie/error.h"

namespace holdover::python {
namespace {

// Classes of holdover/errors.py.
const char* class_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::InvalidArgument:
      return "InvalidArgument";
    case ErrorCode::NotFound:
      return "NotFound";
    case ErrorCode::Unavailable:
      return "Unavailable";
    case ErrorCode::Corrupt:
      return "Corrupt";
    case ErrorCode::Refused:
      return "Refused";
    case ErrorCode::PeerDied:
      return "PeerDied";
    case ErrorCode::Interrupted:
      return "Interrupted";
  }
  return "Error";
}

void raise(const char* name, const char* sentence, int errno_value) {
  const py::object type = py::module_::import("holdover.errors").attr(name);
  const py::object error =
      type(sentence, errno_value == 0 ? py::object(py::none()) : py::object(py::int_(errno_value)));
  PyErr_SetObject(type.ptr(), error.ptr());
}

}  // namespace

void refuse(const std::string& sentence) { throw Error(ErrorCode::InvalidArgument, sentence); }

void translate_errors() {
  // NOLINTNEXTLINE(performance-unnecessary-value-param): pybind11's signature
  py::register_exception_translator([](std::exception_ptr thrown) {
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const Error& error) {
      raise(class_of(error.code()), error.what(), error.errno_value());
    } catch (const Closed& closed) {
      raise("Closed", closed.what(), 0);
    }
  });
}

}  // namespace holdover::python
