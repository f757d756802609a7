// SPDX-License-Identifier: MIT
// Which kernel the agent loads for a kexec: the kernel's own command line names those that are to come.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace holdover::host {

// The command line with which the next kernel is loaded. Each «next=PROFILE[:POLICY=VALUE]...» of `command_line` is a
// kernel to come; the first of them replaces «profile=» and every «policy=», and the others stay. Nothing where no
// kernel is to come.
[[nodiscard]] std::optional<std::string> next_command_line(std::string_view command_line);

}  // namespace holdover::host
