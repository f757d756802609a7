// SPDX-License-Identifier: MIT
// What an action was refused with.
#pragma once

#include <string>

#include "pcie/error.h"

namespace holdover::testing {

struct Refused {
  ErrorCode code = ErrorCode::InvalidArgument;
  int error = 0;
  std::string sentence;  // empty: it was not refused

  [[nodiscard]] bool says(std::string_view words) const { return sentence.find(words) != std::string::npos; }
};

template <typename Action>
[[nodiscard]] Refused refused(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return {error.code(), error.errno_value(), error.what()};
  }
  return {};
}

}  // namespace holdover::testing
