// SPDX-License-Identifier: MIT
// One PCI function as user space sees it (a VFIO device), whatever stands behind it. Once a kernel has frozen it for a
// live update that did not come about, all of it throws Error{Refused} with EIO.
//
// Backends: emulated (our kernel over a machine), vfio_user (a function behind a socket), vfio (a board).
// tests/contract states what each must do.
#pragma once

#include <cstdint>

#include "host/device/config_space.h"
#include "host/device/file.h"

namespace holdover::host {

class Device : public File, public ConfigSpace {
 public:
  // One load of a processor: 1, 2, 4 or 8 bytes, naturally aligned. A read the device rejects returns all ones, as the
  // bus does. Anything else, and offsets outside the BAR, throw Error{InvalidArgument}.
  [[nodiscard]] virtual std::uint64_t load(unsigned bar, Bytes offset, unsigned size) = 0;
  // Registers are 32 bits wide. A write is posted and may still be in flight on return.
  [[nodiscard]] std::uint32_t read(unsigned bar, Bytes offset) {
    return static_cast<std::uint32_t>(load(bar, offset, 4));
  }
  virtual void write(unsigned bar, Bytes offset, std::uint32_t value) = 0;
  [[nodiscard]] virtual Bytes bar_size(unsigned bar) const = 0;

  // From now on the device's requests go through `space`, which outlives the attachment. Throws Error{Refused}.
  virtual void attach(AddressSpace& space) = 0;

  // Lets the device issue requests (Bus Master Enable).
  virtual void enable_bus_master() = 0;

  // Programs MSI-X vectors 0..count-1 and enables MSI-X. After a retrieve it programs them anew without losing events
  // that became pending in the meantime. Throws Error{Refused} with ENOSPC where the function has fewer.
  virtual void enable_interrupts(unsigned count) = 0;
  virtual void disable_interrupts() = 0;
  // Interrupts of this vector since the last call (an eventfd's counter).
  [[nodiscard]] virtual std::uint64_t take_interrupts(unsigned vector) = 0;

  // Function level reset; returns when the function is ready again. Throws Error{Refused}.
  virtual void reset() = 0;
};

// Throws Error{InvalidArgument} for an access that load() or write() refuses.
void check_bar_access(const Device& device, unsigned bar, Bytes offset, unsigned size);

}  // namespace holdover::host
