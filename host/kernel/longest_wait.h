// SPDX-License-Identifier: MIT
#pragma once

#include "pcie/units.h"

namespace holdover::host::kernel {

// No kernel waits longer than this at one function, before scaled(): a second for a link to train or to go down
// (PCIE_LINK_RETRAIN_TIMEOUT).
inline constexpr Time kLongestWait = 1'000_ms;

}  // namespace holdover::host::kernel
