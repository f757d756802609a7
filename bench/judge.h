// SPDX-License-Identifier: MIT
// From what was written down to a verdict.
#pragma once

#include <vector>

#include "bench/observer.h"
#include "bench/run.h"
#include "bench/runner.h"
#include "bench/verdict.h"

namespace holdover::bench {

[[nodiscard]] Verdict judge(const Ledgers& ledgers, const RunOptions& options, const RunEnd& end);
// The terminal table: one row per stretch of time in one phase.
[[nodiscard]] std::vector<PhaseRow> phase_rows(const Ledgers& ledgers, Time end);

}  // namespace holdover::bench
