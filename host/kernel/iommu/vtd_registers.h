// SPDX-License-Identifier: MIT
// The register set of one VT-d unit: accesses, and commands that the unit acknowledges.
#pragma once

#include <cstdint>

#include "pcie/platform.h"
#include "pcie/units.h"

namespace holdover::host::kernel {

class VtdRegisters {
 public:
  // `platform` outlives it. Touches nothing.
  VtdRegisters(pcie::Platform& platform, BusAddress base) : platform_(platform), base_(base) {}

  [[nodiscard]] BusAddress base() const { return base_; }
  [[nodiscard]] std::uint32_t read32(unsigned offset) const;
  void write32(unsigned offset, std::uint32_t value) const;
  [[nodiscard]] std::uint64_t read64(unsigned offset) const;
  void write64(unsigned offset, std::uint64_t value) const;
  // Bits of Global Status.
  [[nodiscard]] bool status(std::uint32_t bit) const;
  // One bit of Global Command, and waits for it in Global Status. Throws Panic where the unit does not carry it out.
  void command(std::uint32_t bit, bool set) const;

 private:
  pcie::Platform& platform_;
  BusAddress base_;
};

}  // namespace holdover::host::kernel
