// SPDX-License-Identifier: MIT
// Ctrl-C while C++ works for a Python program: the interpreter only notes the signal, and somebody has to ask it.
#pragma once

#include <pybind11/pybind11.h>

#include <chrono>
#include <exception>
#include <functional>

namespace holdover::python {

// The interpreter lock is given away while this lives. Once the interpreter ends, a thread other than its last one
// stops for good, here or where it asks an Interruption: Python would end it from inside, through frames that cannot be
// left so, and the end of the process destroys what it works with.
class OthersRun {
 public:
  OthersRun();
  ~OthersRun();
  OthersRun(const OthersRun&) = delete;
  OthersRun& operator=(const OthersRun&) = delete;

 private:
  void* thread_;
};

// To be called once, when the module is imported.
void watch_the_interpreters_end();
// What another thread holds may never be free again.
[[nodiscard]] bool interpreter_ends();

// One long call, from the thread that made it.
class Interruption {
 public:
  Interruption() = default;
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

  // Whether the call is to end. Asks the interpreter now and then; called without the global interpreter lock, as often
  // as one likes.
  [[nodiscard]] bool asked();
  // Calls `callback`, unless it is None, with what `arguments` makes; both get the lock. What it raises ends the call.
  void tell(const pybind11::object& callback, const std::function<pybind11::tuple()>& arguments);
  // Throws what a signal handler or a callback raised, KeyboardInterrupt by default; nothing where none did.
  void rethrow() const;

 private:
  void call(const std::function<void()>& work);

  static constexpr std::chrono::milliseconds kInterval{20};  // wall time between two questions

  bool stop_ = false;
  std::chrono::steady_clock::time_point next_{};
  std::exception_ptr raised_;
};

}  // namespace holdover::python
