// SPDX-License-Identifier: MIT
// A profile of the user's own: a TOML file with a base and what is changed of it.
//
//   base = "pci-v9"
//   [policies]
//   bus-numbers = "reassign"
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace holdover::cli {

// Kernels as bench/kernels.h takes them, from kernels that may name a file where a profile stands: «pci-v9»,
// «mine.toml», «lab/mine.toml:delays=real», several of them separated by commas. A word with a slash, or that ends with
// .toml, is a file, which is added to `sources`; what stands behind it goes before the file's own. Throws
// Error{Unavailable} where a file cannot be read, Error{InvalidArgument} with file and line where it does not hold a
// profile.
[[nodiscard]] std::string with_profile_files(const std::string& kernels, std::vector<std::filesystem::path>& sources);

}  // namespace holdover::cli
