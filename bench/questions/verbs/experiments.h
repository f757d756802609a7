// SPDX-License-Identifier: MIT
// The open questions that the kernel's verbs answer: each experiment calls them one by one and reports what they do.
// What it goes through (versions of the series, command lines of kernels) can be replaced; without that it is what was
// posted.
#pragma once

#include <string>
#include <vector>

#include "bench/questions/question.h"
#include "bench/questions/verbs/handover_bench.h"

namespace holdover::bench {

using SeriesVersions = std::vector<SeriesVersion>;

// A kernel under the name that the answer gives it.
struct NamedKernel {
  std::string name;
  std::string command_line;
};
using NamedKernels = std::vector<NamedKernel>;

// Q2: what the call with which a driver of v3 asks for a function's retrieval does for the PCI core. `with` and
// `without` it.
[[nodiscard]] Answer ask_q02(const Laboratory& laboratory);
[[nodiscard]] Answer ask_q02(const Laboratory& laboratory, const std::string& with, const std::string& without);

// Q3: what finish changes for bus scans and for functions that are plugged again. The kernels would number buses anew.
[[nodiscard]] Answer ask_q03(const Laboratory& laboratory);
[[nodiscard]] Answer ask_q03(const Laboratory& laboratory, const NamedKernels& kernels, const SeriesVersions& versions);

// Q4: what happens where more functions are to be preserved than were present at the first.
[[nodiscard]] Answer ask_q04(const Laboratory& laboratory);
[[nodiscard]] Answer ask_q04(const Laboratory& laboratory, const NamedKernels& kernels, const SeriesVersions& versions);

// Q5: whether the table can go away before all functions are unpreserved, and who can bring that about.
[[nodiscard]] Answer ask_q05(const Laboratory& laboratory);
[[nodiscard]] Answer ask_q05(const SeriesVersions& versions);

// Q6: a driver that unpreserves what it did not preserve, or preserves twice.
[[nodiscard]] Answer ask_q06(const Laboratory& laboratory);
[[nodiscard]] Answer ask_q06(const SeriesVersions& versions);

// Q7: whether a kernel can tell «no PCI table came in» from «one of another version did».
[[nodiscard]] Answer ask_q07(const Laboratory& laboratory);
[[nodiscard]] Answer ask_q07(const SeriesVersions& versions);

// Q15: what the count of a bridge counts, and whether a shared bridge outlives one of two endpoints.
[[nodiscard]] Answer ask_q15(const Laboratory& laboratory);
[[nodiscard]] Answer ask_q15(const SeriesVersions& versions);

// Q16: what becomes of the table where finish is never called, and what the next update does.
[[nodiscard]] Answer ask_q16(const Laboratory& laboratory);
[[nodiscard]] Answer ask_q16(const SeriesVersions& versions);

// Q19: whether the table can be read, and given back, in whatever order enumeration, drivers and the agent come.
[[nodiscard]] Answer ask_q19(const Laboratory& laboratory);
[[nodiscard]] Answer ask_q19(const SeriesVersions& versions);

// Q20: whether the last driver that goes away takes the table along.
[[nodiscard]] Answer ask_q20(const Laboratory& laboratory);
[[nodiscard]] Answer ask_q20(const SeriesVersions& versions);

}  // namespace holdover::bench
