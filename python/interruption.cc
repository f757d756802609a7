// SPDX-License-Identifier: MIT
#include "python/interruption.h"

#include <pybind11/pybind11.h>

namespace holdover::python {

bool Interruption::asked() {
  if (stop_) return true;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) return false;
  next_ = now + kInterval;
  call([] {
    if (PyErr_CheckSignals() != 0) throw pybind11::error_already_set();
  });
  return stop_;
}

void Interruption::call(const std::function<void()>& callback) {
  if (stop_) return;
  const pybind11::gil_scoped_acquire lock;
  try {
    callback();
  } catch (...) {
    raised_ = std::current_exception();
    stop_ = true;
  }
}

void Interruption::rethrow() const {
  if (raised_) std::rethrow_exception(raised_);
}

}  // namespace holdover::python
