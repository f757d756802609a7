// SPDX-License-Identifier: MIT
// Registers by name: «COMMAND», «BAR0», «PCIE.DevCtl». Capabilities stand elsewhere in every device, so a register is
// named by its capability and its place in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/compare/config_log.h"

namespace holdover::bench {

class RegisterNames {
 public:
  enum class Header { Type0, Type1 };
  // By the names of capabilities («PCIE», «AER»): where each begins.
  using Capabilities = std::map<std::string, unsigned, std::less<>>;

  RegisterNames(Header header, Capabilities capabilities) : header_(header), capabilities_(std::move(capabilities)) {}

  // Of the function whose 4096 bytes of configuration space these are.
  [[nodiscard]] static RegisterNames of_function(std::span<const std::byte> space);
  // Of the endpoint of a log, as far as the log names registers of a capability.
  [[nodiscard]] static RegisterNames of_log(const ConfigLog& log);

  // «@0x0d4» for a register that has no name.
  [[nodiscard]] std::string name(unsigned offset) const;
  [[nodiscard]] bool knows(unsigned offset) const;

 private:
  Header header_;
  Capabilities capabilities_;
};

// Holds an address or a bus number that firmware or a kernel chose, which is another on every machine.
[[nodiscard]] bool depends_on_position(std::string_view register_name);
// One of those of a bridge that say which addresses and buses lie below it.
[[nodiscard]] bool is_routing(std::string_view register_name);

}  // namespace holdover::bench
