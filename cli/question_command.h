// SPDX-License-Identifier: MIT
// `holdover question`: the open questions of live update, each answered by an experiment.
#pragma once

#include <string>

#include "cli/command.h"

namespace holdover::cli {

[[nodiscard]] Command add_question_command(CLI::App& app, const std::string& program);

}  // namespace holdover::cli
