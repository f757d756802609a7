// SPDX-License-Identifier: MIT
// Questions that whole runs answer.
#pragma once

#include "bench/questions/question.h"

namespace holdover::bench {

[[nodiscard]] Answer ask_q01(const Laboratory& laboratory);
[[nodiscard]] Answer ask_q08(const Laboratory& laboratory);
[[nodiscard]] Answer ask_q09(const Laboratory& laboratory);
[[nodiscard]] Answer ask_q10(const Laboratory& laboratory);
[[nodiscard]] Answer ask_q11(const Laboratory& laboratory);
[[nodiscard]] Answer ask_q12(const Laboratory& laboratory);
[[nodiscard]] Answer ask_q13(const Laboratory& laboratory);
[[nodiscard]] Answer ask_q14(const Laboratory& laboratory);
[[nodiscard]] Answer ask_q17(const Laboratory& laboratory);
[[nodiscard]] Answer ask_q18(const Laboratory& laboratory);

}  // namespace holdover::bench
