// SPDX-License-Identifier: MIT
#include "host/kernel/pci/config_access.h"

namespace holdover::host::kernel {

unsigned ConfigAccess::capability(std::uint8_t id) const {
  return pcie::find_capability([this](unsigned offset) { return read32(offset); }, id).value_or(0);
}

unsigned ConfigAccess::extended_capability(std::uint16_t id) const {
  return pcie::find_extended_capability([this](unsigned offset) { return read32(offset); }, id).value_or(0);
}

}  // namespace holdover::host::kernel
