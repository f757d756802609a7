// SPDX-License-Identifier: MIT
// MSI-X of one function: table entries and the control word. It owns the vectors it programs.
#pragma once

#include <cstdint>
#include <vector>

#include "host/kernel/irq/interrupts.h"
#include "host/kernel/pci/pci_device.h"
#include "pcie/platform.h"

namespace holdover::host::kernel {

class Msix {
 public:
  // All of it outlives the object. Touches nothing.
  Msix(pcie::Platform& platform, Interrupts& interrupts, PciDevice& device);

  [[nodiscard]] bool enabled() const;
  [[nodiscard]] unsigned vectors() const { return static_cast<unsigned>(vectors_.size()); }
  [[nodiscard]] std::uint8_t vector(unsigned index) const { return vectors_[index]; }
  [[nodiscard]] MessageInterrupts messages() const { return {MessageInterrupts::Kind::Msix, vectors_}; }

  // Programs entries 0..count-1 and lets messages out: Enable with Function Mask, all entries masked, entries written
  // and unmasked, INTx Disable, Function Mask cleared last. Where a former kernel left Enable set under Function Mask,
  // it stays set throughout, and what became pending fires at the end. 0; ENODEV: no MSI-X, or no address for its
  // table; EINVAL: it is denied; ENOSPC: table or vectors.
  [[nodiscard]] int enable(unsigned count);
  // pci_msix_shutdown(): entries masked, Enable off, INTx Disable cleared.
  void disable();
  // Leaves Enable set and masks the whole function: events become pending.
  void mask_function();

 private:
  [[nodiscard]] bool answers() const;
  // Reads where the table stands, and returns its size.
  [[nodiscard]] unsigned find_table();
  [[nodiscard]] std::uint16_t control() const;
  void set_control(std::uint16_t value) const;
  [[nodiscard]] BusAddress entry(unsigned index) const;
  void write_entry(unsigned index, const InterruptMessage& message);
  void mask_entry(unsigned index, bool masked);
  void free_vectors();

  pcie::Platform& platform_;
  Interrupts& interrupts_;
  PciDevice& device_;
  std::uint32_t table_ = 0;  // BAR indicator and offset
  std::vector<std::uint8_t> vectors_;
};

}  // namespace holdover::host::kernel
