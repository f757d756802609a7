// SPDX-License-Identifier: MIT
// Which kernels a run has: one after the other, each with a profile of its own.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/kernel/profile.h"

namespace holdover::bench {

struct RunOptions;

// One kernel: a profile, and what is changed of it.
struct KernelChoice {
  std::string profile;
  std::vector<std::string> policies;  // «name=value»

  friend bool operator==(const KernelChoice&, const KernelChoice&) = default;
};

// «pci-v9», «pci-v9:bus-numbers=reassign:delays=real». Throws Error{InvalidArgument} for a profile or policy that does
// not exist, and for a policy that is given twice.
[[nodiscard]] KernelChoice parse_kernel(std::string_view text);
// The other way round.
[[nodiscard]] std::string to_string(const KernelChoice& kernel);
[[nodiscard]] host::kernel::Policies policies_of(const KernelChoice& kernel);

// The kernels of a run, kernel A first: two, or as many as --chain names. What --policy changes, it changes in each of
// them that does not say itself. Throws Error{InvalidArgument} that names the option.
[[nodiscard]] std::vector<KernelChoice> kernels(const RunOptions& options);

}  // namespace holdover::bench
