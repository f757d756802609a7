// SPDX-License-Identifier: MIT
// What an action was refused with.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "pcie/error.h"

namespace holdover::testing {

struct Refused {
  ErrorCode code = ErrorCode::InvalidArgument;
  int error = 0;
  std::string sentence;

  [[nodiscard]] bool says(std::string_view words) const { return sentence.find(words) != std::string::npos; }
};

// What was said to `action`; a failure of the test where it was let through.
template <typename Action>
[[nodiscard]] Refused refused(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return {error.code(), error.errno_value(), error.what()};
  }
  ADD_FAILURE() << "it was not refused";
  return {};
}

}  // namespace holdover::testing
