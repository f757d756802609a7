// SPDX-License-Identifier: MIT
// MSI of one function, with one vector. It owns the vector it programs.
#pragma once

#include <cstdint>
#include <optional>

#include "host/kernel/irq/interrupts.h"
#include "host/kernel/pci/pci_device.h"

namespace holdover::host::kernel {

class Msi {
 public:
  // Both outlive the object. Touches nothing.
  Msi(Interrupts& interrupts, const PciDevice& device) : interrupts_(interrupts), device_(device) {}

  [[nodiscard]] std::optional<std::uint8_t> vector() const { return vector_; }

  // msi_capability_init(): Enable off, masked where it can be, the message, INTx Disable, Enable. 0; ENODEV: no MSI;
  // EINVAL: it is denied; ENOSPC: no vector.
  [[nodiscard]] int enable();
  // free_irq() and pci_msi_shutdown(): the message becomes 0, Enable off, INTx Disable cleared. Contract: enabled.
  void disable();

 private:
  void set_enable(bool on) const;
  void set_masked(bool masked) const;
  void write_message(const InterruptMessage& message) const;
  [[nodiscard]] std::uint16_t control() const;

  Interrupts& interrupts_;
  const PciDevice& device_;
  std::optional<std::uint8_t> vector_;
};

}  // namespace holdover::host::kernel
