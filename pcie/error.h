// SPDX-License-Identifier: MIT
// The two ways in which something that is not a bench result ends: the world refused (Error), or our
// own contract was broken (HOLDOVER_CHECK). What a bus or device answers is a value, never an Error.
#pragma once

#include <stdexcept>
#include <string>

namespace holdover {

enum class ErrorCode {
  InvalidArgument,  // a name, number or combination that does not exist
  NotFound,         // the named object is not there
  Unavailable,      // the environment does not offer it: permission, missing file, full disk
  Corrupt,          // bytes that do not follow their format
  Refused,          // the (emulated or real) kernel answered with an errno; see Error::errno_value()
  PeerDied,         // the process at the other end is gone
  Interrupted,      // the user asked to stop
};

// A full sentence that names the object and, where there is one, the way out.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& sentence, int errno_value = 0)
      : std::runtime_error(sentence), code_(code), errno_value_(errno_value) {}

  [[nodiscard]] ErrorCode code() const { return code_; }
  // Linux errno behind ErrorCode::Refused, 0 where there is none.
  [[nodiscard]] int errno_value() const { return errno_value_; }

 private:
  ErrorCode code_;
  int errno_value_;
};

namespace detail {
[[noreturn]] void check_failed(const char* condition, const char* file, int line);
}  // namespace detail

}  // namespace holdover

// Contract of this code base, on in every build type. The condition has no side effects.
#define HOLDOVER_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::holdover::detail::check_failed(#condition, __FILE__, __LINE__))
