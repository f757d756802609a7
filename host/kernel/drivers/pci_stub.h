// SPDX-License-Identifier: MIT
// A driver that takes any function and does what a driver that knows nothing of live update does at its probe (H113):
// enable, reset, and, as the policy says, bus mastering. It manages its DMA itself, as pci-stub does.
#pragma once

#include <cerrno>

#include "host/kernel/drivers/driver.h"

namespace holdover::host::kernel {

inline constexpr std::string_view kPciStub = "pci-stub";

class PciStubDriver : public PciDriver {
 public:
  using PciDriver::PciDriver;

  [[nodiscard]] std::string_view name() const override { return kPciStub; }
  // By driver_override only.
  [[nodiscard]] bool match(const PciDevice&) const override { return false; }
  [[nodiscard]] int probe(PciDevice& device) override;
  void remove(PciDevice& device) override;
  // It cannot take over anything.
  [[nodiscard]] int retrieve(PciDevice&) override { return EOPNOTSUPP; }
};

}  // namespace holdover::host::kernel
