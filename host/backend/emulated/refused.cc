// SPDX-License-Identifier: MIT
#include "host/backend/emulated/refused.h"

#include "host/backend/refusal.h"
#include "host/kernel/errno.h"
#include "pcie/error.h"

namespace holdover::host {

void check_answer(int error, const std::string& call) {
  if (error == kernel::kNeverReturns) {
    throw Error(ErrorCode::Refused, "The kernel never comes back from " + call + ": it is on its way to the next one.",
                error);
  }
  check_errno(error, call);
}

}  // namespace holdover::host
