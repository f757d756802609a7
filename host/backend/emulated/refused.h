// SPDX-License-Identifier: MIT
// Turns the answer of a system call of the emulated kernel into the error that user space sees: an errno, or that it
// never comes back (host/kernel/errno.h).
#pragma once

#include <string>

namespace holdover::host {

// Throws Error{Refused} where `error` is not 0; `call` says what was refused: «open of 0000:02:00.0».
void check_answer(int error, const std::string& call);

}  // namespace holdover::host
