// SPDX-License-Identifier: MIT
// Every policy of a kernel under a name, so that one of them can be changed alone («bus-numbers=reassign»).
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "host/kernel/profile.h"

namespace holdover::host::kernel {

struct PolicyValue {
  std::string_view name;
  std::string_view sentence;
};

class Policy {
 public:
  std::string_view name;
  std::string_view sentence;  // what it decides
  std::span<const PolicyValue> values;
  std::size_t (*get)(const Policies&);        // index in values
  void (*set)(Policies&, std::size_t index);  // contract: index < values.size()

  [[nodiscard]] std::string_view value_of(const Policies& policies) const { return values[get(policies)].name; }
};

// In the order in which a kernel comes to each of them; the rules of the PCI core series at the end.
[[nodiscard]] std::span<const Policy> policies();
// Null for an unknown name.
[[nodiscard]] const Policy* find_policy(std::string_view name);

// «name=value». Throws Error{InvalidArgument} that names what is possible.
void change_policy(Policies& policies, std::string_view assignment);

}  // namespace holdover::host::kernel
