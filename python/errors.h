// SPDX-License-Identifier: MIT
// Errors of C++ as exceptions of Python: holdover.Error and its subclasses, with the same sentence.
#pragma once

#include <stdexcept>
#include <string>

#include "python/module.h"

namespace holdover::python {

// Something is used after close(). The sentence names it.
class Closed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Error{InvalidArgument}.
[[noreturn]] void refuse(const std::string& sentence);

void translate_errors();

}  // namespace holdover::python
