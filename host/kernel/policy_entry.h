// SPDX-License-Identifier: MIT
// How an entry of the tables of policies is made.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include "host/kernel/policy.h"

namespace holdover::host::kernel {

// The field that `Path`, members from Policies on, leads to. Its values are its enumerators, in their order.
template <auto... Path>
constexpr Policy policy(std::string_view name, std::string_view sentence, std::span<const PolicyValue> values) {
  using Type = std::remove_reference_t<decltype((std::declval<Policies&>().*....*Path))>;
  return {name, sentence, values, [](const Policies& all) { return static_cast<std::size_t>((all.*....*Path)); },
          [](Policies& all, std::size_t index) { (all.*....*Path) = static_cast<Type>(index); }};
}

}  // namespace holdover::host::kernel
