// SPDX-License-Identifier: MIT
// Turns the answer of a system call into the error that user space sees.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace holdover::host {

// «ENOENT», or «error 123» for a number without a name.
[[nodiscard]] std::string errno_name(int error);

// Throws Error{Refused} with the errno where `answer` is negative: «The kernel refused CALL with EBUSY; WAY OUT.»
// `way_out` may be empty. Returns the answer otherwise.
std::int64_t require(std::int64_t answer, const std::string& call, std::string_view way_out = {});
[[noreturn]] void refuse(int error, const std::string& call, std::string_view way_out = {});
// The same for whoever answers with an errno, or 0.
void check_errno(int error, const std::string& call);

}  // namespace holdover::host
