// SPDX-License-Identifier: MIT
// `holdover list`: every name that `holdover run` accepts, each with its sentence.
#pragma once

#include <iosfwd>
#include <string>

namespace holdover::cli {

// `what`: scenarios, profiles, topologies or faults; empty for all of them. Throws Error{InvalidArgument} for anything
// else.
void list(std::ostream& out, const std::string& what);

}  // namespace holdover::cli
