// SPDX-License-Identifier: MIT
// What an experiment takes for granted before it looks at anything: where it does not come true, the question stays
// undecided.
#pragma once

#include <functional>
#include <string>

#include "bench/questions/question.h"

namespace holdover::bench {

// Throws Error{Unavailable} where `done` is false. `what`: «an endpoint is preserved».
void require(bool done, const std::string& what);

// The answer of `experiment`, or one that decides nothing and says which requirement failed.
[[nodiscard]] Answer settle(const std::function<Answer()>& experiment);

}  // namespace holdover::bench
