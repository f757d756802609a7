// SPDX-License-Identifier: MIT
// Downstream Port Containment of a port (PCIe 5.0, 6.2.10 and 7.9.15): what triggers it, and what it then says. No root
// port extensions, no blocking of poisoned TLPs. Who owns it holds the link down while it contains.
#pragma once

#include <cstdint>

#include "pcie/tlp.h"
#include "sim/register_file.h"

namespace holdover::sim {

class BridgeDpc {
 public:
  // `registers` outlives it; defines its own fields there, the list ends with them.
  BridgeDpc(RegisterFile& registers, unsigned offset) : registers_(registers), at_(offset) {}
  void define();

  // Trigger Status, until it is cleared by writing 1.
  [[nodiscard]] bool contains() const;
  // DPC Completion Control: requests that a containing port refuses are answered Completer Abort.
  [[nodiscard]] bool aborts() const;
  // Interrupt Status is set, and enabled.
  [[nodiscard]] bool wants_interrupt() const;

  // Each is true where it made the port contain; none does while it contains already.
  // An error message came in from below: it goes no further then.
  [[nodiscard]] bool on_message(std::uint8_t code, pcie::RequesterId requester);
  // The port found an uncorrectable error that is neither masked nor advisory: no message tells of it then.
  [[nodiscard]] bool on_own_error(bool fatal);
  // A configuration write of the double word at `offset` took effect; `data` is what was written.
  [[nodiscard]] bool on_write(unsigned offset, unsigned byte_enables, std::uint32_t data);

 private:
  [[nodiscard]] bool trigger(bool fatal, std::uint16_t reason, pcie::RequesterId source);
  void contain(std::uint16_t reason, pcie::RequesterId source);

  RegisterFile& registers_;
  unsigned at_;
};

}  // namespace holdover::sim
