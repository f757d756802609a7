// SPDX-License-Identifier: MIT
// What firmware does to the machine behind a server: links, bus numbers, windows and BARs. Requests of endpoints go to
// the root whatever their address is: ports redirect what lies in a window (ACS).
#pragma once

#include <vector>

#include "pcie/platform.h"
#include "serve/vfio_user/function.h"

namespace holdover::serve {

struct FoundFunction {
  pcie::Bdf bdf;
  std::vector<FunctionBar> bars;
};

// All endpoints, in the order of their addresses. Their COMMAND is 0; ports forward.
// Throws Error{InvalidArgument} where BARs do not fit into the windows of the platform.
[[nodiscard]] std::vector<FoundFunction> set_up_functions(pcie::Platform& platform, unsigned aspm);

}  // namespace holdover::serve
