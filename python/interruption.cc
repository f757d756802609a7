// SPDX-License-Identifier: MIT
#include "python/interruption.h"

#include <pybind11/pybind11.h>
#include <unistd.h>

#include <optional>
#include <thread>

namespace holdover::python {
namespace {

std::atomic<bool> ending{false};
std::atomic<std::thread::id> last_thread{};
std::atomic<unsigned> entering{0};

// Around whatever waits for the interpreter lock.
class Entrance {
 public:
  Entrance() {
    ++entering;
    if (!ending || last_thread.load() == std::this_thread::get_id()) return;
    --entering;
    for (;;) pause();
  }
  ~Entrance() { --entering; }
  Entrance(const Entrance&) = delete;
  Entrance& operator=(const Entrance&) = delete;
};

// Runs in the last thread, before the interpreter takes the others for lost: those on their way in come in.
void prepare_the_end() {
  last_thread = std::this_thread::get_id();
  ending = true;
  PyThreadState* const thread = PyEval_SaveThread();
  while (entering != 0) std::this_thread::yield();
  PyEval_RestoreThread(thread);
}

}  // namespace

OthersRun::OthersRun() : thread_(PyEval_SaveThread()) {}

OthersRun::~OthersRun() {
  const Entrance entrance;
  PyEval_RestoreThread(static_cast<PyThreadState*>(thread_));
}

void watch_the_interpreters_end() {
  pybind11::module_::import("atexit").attr("register")(pybind11::cpp_function(&prepare_the_end));
}

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
  std::optional<pybind11::gil_scoped_acquire> lock;
  {
    const Entrance entrance;
    lock.emplace();
  }
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
