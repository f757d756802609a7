// SPDX-License-Identifier: MIT
// The figure that stands beside each check, for people and for programs.
#pragma once

#include "bench/observer.h"
#include "bench/verdict.h"

namespace holdover::bench {

// Fills figure and numbers of `result` for its check.
void describe_figures(const Ledgers& ledgers, CheckResult& result);

}  // namespace holdover::bench
