// SPDX-License-Identifier: MIT
// What experiments read from the report of a run, and how they say it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/questions/question.h"

namespace holdover::bench {

// The laboratory's options with this profile, and with these policies besides its own.
[[nodiscard]] RunOptions with(const Laboratory& laboratory, std::string profile,
                              const std::vector<std::string>& policies = {});
// A number of a check's figure; 0 where there is none of this name.
[[nodiscard]] std::uint64_t number(const Report& report, Check check, std::string_view name);
[[nodiscard]] Time time_of(const Report& report, Check check, std::string_view name);
[[nodiscard]] bool passed(const Report& report, Check check);
[[nodiscard]] bool failed(const Report& report, Check check);
// «PASS», «FAIL (continuity, memory)», «INCONCLUSIVE».
[[nodiscard]] std::string outcome(const Report& report);
// What the first finding of the verdict says, or its cause; empty where there is none.
[[nodiscard]] std::string reason(const Report& report);
// No record, no byte and no reset between the first preserve and the last finish went another way than under one
// kernel: DMA did not notice.
[[nodiscard]] bool undisturbed(const Report& report);
// «longest silence 2.1 us of 4.7 us, no record lost», «silent for 103 us, 50 records lost, 1 reset».
[[nodiscard]] std::string dma_text(const Report& report);
// Records of endpoints that reached memory while no kernel ran.
[[nodiscard]] std::uint64_t records_in_blackout(const Report& report);

// «a», «a and b», «a, b and c»; `none` for an empty list.
[[nodiscard]] std::string listed(const std::vector<std::string>& words, std::string_view none = "none");
// «1 write», «2 writes».
[[nodiscard]] std::string counted(std::uint64_t count, std::string_view thing);
[[nodiscard]] std::string errno_name(int value);

}  // namespace holdover::bench
