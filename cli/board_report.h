// SPDX-License-Identifier: MIT
// What `holdover board check` says, for people and for programs.
#pragma once

#include <iosfwd>
#include <string>

#include "host/backend/vfio/board_check.h"

namespace holdover::cli {

void print(std::ostream& out, const host::BoardCheck& check);
[[nodiscard]] std::string to_json(const host::BoardCheck& check);

}  // namespace holdover::cli
