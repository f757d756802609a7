// SPDX-License-Identifier: MIT
// What the host has told an endpoint: BAR 0 as last written, read off the wire.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "pcie/tlp.h"
#include "pcie/units.h"

namespace holdover::bench {

class EndpointRegisters {
 public:
  struct Write {
    std::uint32_t offset = 0;
    std::uint32_t value = 0;
  };

  EndpointRegisters();

  // Where BAR 0 stands by now.
  void set_base(std::uint64_t base) { base_ = base; }
  // The function lost its state: every register has its reset value again.
  void reset();
  // A memory request on its way to the endpoint; the registers that it writes, in order.
  [[nodiscard]] std::vector<Write> on_request(const pcie::Tlp& tlp);

  // Offset in BAR 0 of an address, nothing where it lies outside.
  [[nodiscard]] std::optional<std::uint32_t> offset_of(std::uint64_t address) const;
  [[nodiscard]] std::uint32_t at(std::uint32_t offset) const { return values_[offset / 4]; }
  [[nodiscard]] std::uint64_t pair_at(std::uint32_t offset_low) const {
    return at(offset_low) | (std::uint64_t{at(offset_low + 4)} << 32);
  }

 private:
  std::uint64_t base_ = 0;
  std::vector<std::uint32_t> values_;
};

}  // namespace holdover::bench
