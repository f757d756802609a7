// SPDX-License-Identifier: MIT
// A kernel's command line: words «name=value», separated by blanks.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace holdover {

// The first value of this name; empty where there is none.
[[nodiscard]] std::string command_line_value(std::string_view line, std::string_view name);
// All of them, in order, where a name may repeat («hazard=»).
[[nodiscard]] std::vector<std::string> command_line_values(std::string_view line, std::string_view name);

}  // namespace holdover
