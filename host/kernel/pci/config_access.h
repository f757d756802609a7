// SPDX-License-Identifier: MIT
// Configuration accesses to one function, by width. Each call is one configuration cycle on the bus.
#pragma once

#include <cstdint>

#include "pcie/bdf.h"
#include "pcie/capability.h"
#include "pcie/platform.h"

namespace holdover::host::kernel {

class ConfigAccess {
 public:
  // `platform` outlives it.
  ConfigAccess(pcie::Platform& platform, pcie::Bdf bdf) : platform_(&platform), bdf_(bdf) {}

  [[nodiscard]] std::uint8_t read8(unsigned offset) const { return static_cast<std::uint8_t>(read(offset, 1)); }
  [[nodiscard]] std::uint16_t read16(unsigned offset) const { return static_cast<std::uint16_t>(read(offset, 2)); }
  [[nodiscard]] std::uint32_t read32(unsigned offset) const { return read(offset, 4); }
  void write8(unsigned offset, std::uint8_t value) const { write(offset, 1, value); }
  void write16(unsigned offset, std::uint16_t value) const { write(offset, 2, value); }
  void write32(unsigned offset, std::uint32_t value) const { write(offset, 4, value); }

  // Read and write, also where nothing changes (pcie_capability_clear_and_set_word()).
  void change16(unsigned offset, std::uint16_t clear, std::uint16_t set) const {
    write16(offset, static_cast<std::uint16_t>((read16(offset) & ~clear) | set));
  }

  [[nodiscard]] std::uint32_t read(unsigned offset, unsigned size) const {
    return platform_->config_read(bdf_, Bytes{offset}, size);
  }
  void write(unsigned offset, unsigned size, std::uint32_t value) const {
    platform_->config_write(bdf_, Bytes{offset}, size, value);
  }

  // 0 where the function has no such capability.
  [[nodiscard]] unsigned capability(std::uint8_t id) const;
  [[nodiscard]] unsigned extended_capability(std::uint16_t id) const;

 private:
  pcie::Platform* platform_;
  pcie::Bdf bdf_;
};

}  // namespace holdover::host::kernel
