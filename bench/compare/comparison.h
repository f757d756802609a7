// SPDX-License-Identifier: MIT
// Recorded and emulated writes side by side.
#pragma once

#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/compare/register_write.h"

namespace holdover::bench {

enum class ComparedRole : std::uint8_t { Endpoint, RootPort };
[[nodiscard]] std::string_view to_string(ComparedRole role);

// A difference that is known and does not count.
struct AcceptedDifference {
  std::string_view name;
  ComparedRole role;
  std::string_view register_name;  // a name that ends with «.» stands for every register of that capability
  std::uint32_t bits;              // in which values may differ
  bool alone;  // one side alone may write the register, where its writes in that phase differ in these bits alone
  std::string_view sentence;  // why it says nothing about the kernel
};
[[nodiscard]] std::span<const AcceptedDifference> accepted_differences();

struct ComparedRow {
  std::optional<Meaning> recorded;
  std::optional<Meaning> emulated;
  const AcceptedDifference* accepted = nullptr;
  [[nodiscard]] bool same() const { return recorded == emulated; }
};

struct ComparedWrites {
  ComparedRole role = ComparedRole::Endpoint;
  ComparedPhase phase = ComparedPhase::Boot;
  std::vector<ComparedRow> rows;
};

struct Comparison {
  std::string log;
  std::string profile;
  std::string profile_reason;  // empty where it was asked for
  bool driver_bound = false;
  bool crash = false;
  std::vector<std::string> notes;
  std::vector<ComparedWrites> parts;

  [[nodiscard]] unsigned writes() const;  // recorded ones
  [[nodiscard]] unsigned differences() const;
  [[nodiscard]] unsigned accepted() const;
};

// Lines both up so that the fewest rows differ; a write of the same register with another value stands in one row.
// `accept`: known differences are marked as such.
[[nodiscard]] ComparedWrites compare(ComparedRole role, ComparedPhase phase, std::span<const RegisterWrite> recorded,
                                     std::span<const RegisterWrite> emulated, bool accept);

void print(std::ostream& out, const Comparison& comparison);
[[nodiscard]] std::string to_json(const Comparison& comparison);

}  // namespace holdover::bench
