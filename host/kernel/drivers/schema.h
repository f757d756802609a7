// SPDX-License-Identifier: MIT
// Which driver a function was bound to when it was handed over, and in which layout that driver saved its state: what
// the next kernel may check before it lets a driver bind.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace holdover::host::kernel {

// Names a layout of saved state; a driver lists those that it can read.
using SchemaGuid = std::array<std::uint8_t, 16>;

struct SavedBinding {
  std::string driver;  // at most 31 characters
  SchemaGuid schema{};
};

}  // namespace holdover::host::kernel
