// SPDX-License-Identifier: MIT
// Configuration writes as they are compared: by register and by what they mean, wherever the device stands.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdover::bench {

enum class ComparedPhase : std::uint8_t {
  Boot,         // the first kernel's enumeration
  Shutdown,     // from the request for the kexec until the next kernel's first write
  Enumeration,  // the next kernel's
};
inline constexpr std::array kComparedPhases{ComparedPhase::Boot, ComparedPhase::Shutdown, ComparedPhase::Enumeration};
[[nodiscard]] std::string_view to_string(ComparedPhase phase);

struct RegisterWrite {
  std::string name;
  unsigned size = 0;  // bytes
  std::uint32_t value = 0;
  std::optional<std::uint32_t> before;  // of the register, where that is known
};

// By ComparedPhase.
using PhasedWrites = std::array<std::vector<RegisterWrite>, kComparedPhases.size()>;

// What a write says, without what is another on every machine: «all ones» (sizing), «as before» (the value that the
// register had before it was sized), «an address», «a position» (windows and bus numbers of a bridge), or the value in
// hexadecimal.
struct Meaning {
  std::string name;
  std::string value;
  std::optional<std::uint32_t> number;  // where the value itself counts
  friend bool operator==(const Meaning&, const Meaning&) = default;
};
[[nodiscard]] std::vector<Meaning> meanings(std::span<const RegisterWrite> writes);

}  // namespace holdover::bench
