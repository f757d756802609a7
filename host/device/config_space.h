// SPDX-License-Identifier: MIT
// Configuration space of one PCI function, as whoever has the function in his hands reaches it: through sysfs, a VFIO
// device file, or a socket. tests/contract states what each way must do.
#pragma once

#include <cstdint>

#include "pcie/bdf.h"
#include "pcie/units.h"

namespace holdover::host {

class ConfigSpace {
 public:
  ConfigSpace() = default;
  ConfigSpace(const ConfigSpace&) = delete;
  ConfigSpace& operator=(const ConfigSpace&) = delete;
  virtual ~ConfigSpace() = default;

  [[nodiscard]] virtual pcie::Bdf bdf() const = 0;

  // 1, 2 or 4 bytes, naturally aligned, below 4096: one request on the bus, with the byte enables of that size.
  // Anything else throws Error{InvalidArgument}. All ones where the function rejects a read, or has nothing that far
  // up.
  [[nodiscard]] virtual std::uint32_t config_read(Bytes offset, unsigned size) = 0;
  virtual void config_write(Bytes offset, unsigned size, std::uint32_t value) = 0;

 protected:
  // What every implementation refuses.
  void check_config_access(Bytes offset, unsigned size) const;
};

}  // namespace holdover::host
