// SPDX-License-Identifier: MIT
#include "python/interruption.h"

#include <cxxabi.h>
#include <pybind11/pybind11.h>
#include <unistd.h>

#include <thread>

namespace holdover::python {
namespace {

std::atomic<bool> ending{false};
std::atomic<std::thread::id> last_thread{};
std::atomic<unsigned> working{0};  // threads at work without the interpreter lock

[[noreturn]] void stay() {
  for (;;) pause();
}

bool is_lost() { return ending && last_thread.load() != std::this_thread::get_id(); }

// To be called by a thread that counts as working, wherever it can stop for good.
void stay_if_lost() {
  if (!is_lost()) return;
  --working;
  stay();
}

// Runs in the last thread, before the interpreter takes the others for lost. Behind it the process ends, and with it
// what they work with: each has come to where it stops, or has the interpreter to end it, when this returns.
void prepare_the_end() {
  last_thread = std::this_thread::get_id();
  ending = true;
  PyThreadState* const thread = PyEval_SaveThread();
  while (working != 0) std::this_thread::yield();
  PyEval_RestoreThread(thread);
}

}  // namespace

OthersRun::OthersRun() {
  const bool lost = is_lost();
  if (!lost) ++working;
  thread_ = PyEval_SaveThread();
  if (lost) stay();
}

OthersRun::~OthersRun() {
  stay_if_lost();
  PyEval_RestoreThread(static_cast<PyThreadState*>(thread_));
  --working;
}

void watch_the_interpreters_end() {
  pybind11::module_::import("atexit").attr("register")(pybind11::cpp_function(&prepare_the_end));
  // A fork takes the thread along that called it, and leaves those at work behind.
  pybind11::module_::import("os").attr("register_at_fork")(pybind11::arg("after_in_child") =
                                                               pybind11::cpp_function([] { working = 0; }));
}

bool interpreter_ends() { return ending; }

bool Interruption::asked() {
  stay_if_lost();
  if (stop_) return true;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) return false;
  next_ = now + kInterval;
  call([] {
    if (PyErr_CheckSignals() != 0) throw pybind11::error_already_set();
  });
  return stop_;
}

void Interruption::tell(const pybind11::object& callback, const std::function<pybind11::tuple()>& arguments) {
  if (callback.is_none()) return;
  call([&] {
    const pybind11::tuple all = arguments();
    PyObject* result = nullptr;
    // Python ends the thread of a callback that outlives it from inside: no frame may be left that releases objects.
    try {
      result = PyObject_CallObject(callback.ptr(), all.ptr());
    } catch (const abi::__forced_unwind&) {
      stay();
    }
    if (result == nullptr) throw pybind11::error_already_set();
    Py_DECREF(result);
  });
}

void Interruption::call(const std::function<void()>& work) {
  stay_if_lost();
  if (stop_) return;
  const pybind11::gil_scoped_acquire lock;
  // Python may keep the thread as long as it likes.
  --working;
  try {
    work();
  } catch (...) {
    raised_ = std::current_exception();
    stop_ = true;
  }
  if (is_lost()) {
    PyEval_SaveThread();
    stay();
  }
  ++working;
}

void Interruption::rethrow() const {
  if (raised_) std::rethrow_exception(raised_);
}

}  // namespace holdover::python
