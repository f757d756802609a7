// SPDX-License-Identifier: MIT
#include "bench/questions/verbs/set_up.h"

#include "pcie/error.h"

namespace holdover::bench {

void require(bool done, const std::string& what) {
  if (!done) throw Error(ErrorCode::Unavailable, "The experiment needs that " + what + ", and this did not happen.");
}

Answer settle(const std::function<Answer()>& experiment) {
  try {
    return experiment();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::Unavailable) throw;
    return {false, error.what(), {}, {}};
  }
}

}  // namespace holdover::bench
