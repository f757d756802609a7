// SPDX-License-Identifier: MIT
// How parts of the kernel tell the bench, through the instrumentation port, what they did.
#pragma once

#include <cstdint>
#include <functional>

#include "pcie/instrument.h"

namespace holdover::host::kernel {

// Takes no simulated time and changes nothing. May be empty.
using MarkFunction = std::function<void(pcie::Step, std::uint64_t)>;

}  // namespace holdover::host::kernel
