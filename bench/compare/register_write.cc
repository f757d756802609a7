// SPDX-License-Identifier: MIT
#include "bench/compare/register_write.h"

#include <cstdio>
#include <map>

#include "bench/compare/register_names.h"

namespace holdover::bench {
namespace {

constexpr std::uint32_t kRomSizing = 0xffff'f800;

std::string hexadecimal(std::uint32_t value, unsigned size) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "0x%0*x", static_cast<int>(2 * size), value);
  return text.data();
}

bool sizes(const RegisterWrite& write) {
  const std::uint32_t ones = ~std::uint32_t{0} >> (32 - 8 * write.size);
  return write.value == ones || (write.name == "ROM" && write.value == kRomSizing);
}

}  // namespace

std::string_view to_string(ComparedPhase phase) {
  switch (phase) {
    case ComparedPhase::Boot:
      return "boot";
    case ComparedPhase::Shutdown:
      return "shutdown";
    case ComparedPhase::Enumeration:
      return "enumeration";
  }
  return {};
}

std::vector<Meaning> meanings(std::span<const RegisterWrite> writes) {
  std::vector<Meaning> all;
  // Of registers that hold a position: the value to which sizing has to come back.
  std::map<std::string, std::optional<std::uint32_t>> settled;
  for (const RegisterWrite& write : writes) {
    if (!depends_on_position(write.name)) {
      all.push_back({write.name, hexadecimal(write.value, write.size), write.value});
      continue;
    }
    const auto [found, first] = settled.try_emplace(write.name, write.before);
    if (sizes(write)) {
      all.push_back({write.name, "all ones", std::nullopt});
    } else if (is_routing(write.name)) {
      all.push_back({write.name, "a position", std::nullopt});
    } else if (!found->second || *found->second == write.value) {
      // Where nobody knows what the register held, what follows the sizing is taken for it.
      all.push_back({write.name, "as before", std::nullopt});
      found->second = write.value;
    } else {
      all.push_back({write.name, "an address", std::nullopt});
      found->second = write.value;
    }
  }
  return all;
}

}  // namespace holdover::bench
