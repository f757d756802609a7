// SPDX-License-Identifier: MIT
// Hazards that can be switched on by name, on top of a profile: each changes a policy or makes one mistake.
#pragma once

#include <span>
#include <string_view>

#include "host/kernel/profile.h"

namespace holdover::host::kernel {

struct Hazard {
  std::string_view name;      // «H014», or «H013-ring» where a number has several cases
  std::string_view sentence;  // what the kernel does
  void (*apply)(Policies&);
};

// H006, H009, H012, H013-ring, H013-page-table, H014, H015, H025, H032, H041+H042 (as «H041»), H058, H073, H085, H086,
// H110, H111, H119, H121, the negative controls H048 and H068 (which a kernel does anyway: they change nothing and are
// there to be asked for), and «refused-kexec».
[[nodiscard]] std::span<const Hazard> hazards();
// Nothing for an unknown name.
[[nodiscard]] const Hazard* find_hazard(std::string_view name);

}  // namespace holdover::host::kernel
