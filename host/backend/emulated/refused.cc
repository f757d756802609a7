// SPDX-License-Identifier: MIT
#include "host/backend/emulated/refused.h"

#include <cstring>

#include "host/kernel/errno.h"
#include "pcie/error.h"

namespace holdover::host {

void check_errno(int error, const std::string& call) {
  if (error == 0) return;
  if (error == kernel::kNeverReturns) {
    throw Error(ErrorCode::Refused, "The kernel never comes back from " + call + ": it is on its way to the next one.",
                error);
  }
  const char* name = strerrorname_np(error);
  throw Error(ErrorCode::Refused,
              "The kernel refused " + call + " with " +
                  (name != nullptr ? std::string(name) : "error " + std::to_string(error)) + ".",
              error);
}

}  // namespace holdover::host
