// SPDX-License-Identifier: MIT
// Ctrl-C while C++ works for a Python program: the interpreter only notes the signal, and somebody has to ask it.
#pragma once

#include <atomic>
#include <chrono>
#include <exception>
#include <functional>

namespace holdover::python {

// The interpreter lock is given away while this lives. Once the interpreter ends, a thread that wants it back waits for
// ever instead: Python would end it from inside, through frames that cannot be left so.
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

// One long call, from the thread that made it.
class Interruption {
 public:
  Interruption() = default;
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

  // Whether the call is to end. Asks the interpreter now and then; called without the global interpreter lock, as often
  // as one likes.
  [[nodiscard]] bool asked();
  // Runs `callback` with the lock; what it raises ends the call.
  void call(const std::function<void()>& callback);
  // Set when the call is to end.
  [[nodiscard]] const std::atomic<bool>& stop() const { return stop_; }
  // Throws what a signal handler or a callback raised, KeyboardInterrupt by default; nothing where none did.
  void rethrow() const;

 private:
  static constexpr std::chrono::milliseconds kInterval{20};  // wall time between two questions

  std::atomic<bool> stop_{false};
  std::chrono::steady_clock::time_point next_{};
  std::exception_ptr raised_;
};

}  // namespace holdover::python
