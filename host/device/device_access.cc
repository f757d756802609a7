// SPDX-License-Identifier: MIT
#include "host/device/device.h"
#include "pcie/error.h"

namespace holdover::host {

void check_bar_access(const Device& device, unsigned bar, Bytes offset, unsigned size) {
  const Bytes all = device.bar_size(bar);
  const bool width = size == 1 || size == 2 || size == 4 || size == 8;
  if (width && offset.count() % size == 0 && all >= Bytes{size} && offset <= all - Bytes{size}) return;
  throw Error(ErrorCode::InvalidArgument, "BAR " + std::to_string(bar) + " of " + device.bdf().to_string() +
                                              " cannot be accessed with " + std::to_string(size) + " bytes at offset " +
                                              std::to_string(offset.count()) + "; its size is " +
                                              std::to_string(all.count()) + " bytes.");
}

}  // namespace holdover::host
