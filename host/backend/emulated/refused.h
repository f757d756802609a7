// SPDX-License-Identifier: MIT
// Turns the errno of a system call into the error that user space sees.
#pragma once

#include <string>

namespace holdover::host {

// Throws Error{Refused} where `error` is not 0; `call` says what was refused: «open of 0000:02:00.0».
void check_errno(int error, const std::string& call);

}  // namespace holdover::host
