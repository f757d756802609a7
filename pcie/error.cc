// SPDX-License-Identifier: MIT
#include "pcie/error.h"

#include <cstdio>
#include <cstdlib>

namespace holdover::detail {

void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: broken contract: %s\n", file, line, condition);
  std::abort();
}

}  // namespace holdover::detail
