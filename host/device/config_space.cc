// SPDX-License-Identifier: MIT
#include "host/device/config_space.h"

#include <string>

#include "pcie/config_space.h"
#include "pcie/error.h"

namespace holdover::host {

void ConfigSpace::check_config_access(Bytes offset, unsigned size) const {
  const bool width = size == 1 || size == 2 || size == 4;
  if (width && offset.count() % size == 0 && offset.count() + size <= pcie::config::kSpaceBytes) return;
  throw Error(ErrorCode::InvalidArgument, "Configuration space of " + bdf().to_string() + " has no register of " +
                                              std::to_string(size) + " bytes at offset " +
                                              std::to_string(offset.count()) + ".");
}

}  // namespace holdover::host
