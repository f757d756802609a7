// SPDX-License-Identifier: MIT
// Advanced Error Reporting of a port (PCIe 5.0, 6.2 and 7.8.4): what it finds itself, and, in a root port, what error
// messages from below tell.
#pragma once

#include <cstdint>
#include <optional>

#include "pcie/tlp.h"
#include "sim/register_file.h"

namespace holdover::sim {

class BridgeAer {
 public:
  // Where the capability and the PCI Express capability stand, and what the list goes on with.
  struct Place {
    unsigned offset = 0;
    unsigned next = 0;
    unsigned express = 0;
    bool root = false;
  };
  // `registers` outlives it; defines its own fields there.
  BridgeAer(RegisterFile& registers, const Place& place);

  // An uncorrectable error, by its bit in Uncorrectable Error Status, of which `tlp` is the cause, or none. `advisory`:
  // somebody else is told as well, by a completion or by poison that goes on, so it counts as correctable unless it is
  // fatal. Returns the code of the message that reports it; nothing where it is masked or not enabled.
  [[nodiscard]] std::optional<std::uint8_t> detect(std::uint32_t error, const pcie::Tlp* tlp, bool advisory);
  // A correctable error, by its bit in Correctable Error Status; returns as above.
  [[nodiscard]] std::optional<std::uint8_t> detect_correctable(std::uint32_t error);
  // Whether this error is neither masked nor advisory here: what triggers containment (PCIe 5.0, 6.2.10).
  [[nodiscard]] bool uncontained(std::uint32_t error, bool advisory) const;

  // Root ports: an error message came in, or the port's own would have been sent.
  void receive(std::uint8_t code, pcie::RequesterId requester);
  // Root ports: a status bit is set whose interrupt is enabled.
  [[nodiscard]] bool wants_interrupt() const;

 private:
  void log(std::uint32_t error, const pcie::Tlp* tlp, std::uint32_t before);

  RegisterFile& registers_;
  Place place_;
};

}  // namespace holdover::sim
