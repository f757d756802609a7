// SPDX-License-Identifier: MIT
// What no device lets anybody do to it, whatever stands behind it.
#pragma once

#include "host/device/device.h"

namespace holdover::host {

// Throw Error{InvalidArgument} for an access that config_read(), config_write(), load() or write() refuses.
void require_config_access(pcie::Bdf bdf, Bytes offset, unsigned size);
void require_bar_access(const Device& device, unsigned bar, Bytes offset, unsigned size);

}  // namespace holdover::host
