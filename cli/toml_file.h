// SPDX-License-Identifier: MIT
// A TOML file, read whole.
#pragma once

#include <filesystem>
#include <string>

#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

namespace holdover::cli {

// Throws Error{Unavailable} where the file cannot be read or is larger than 1 MiB, Error{InvalidArgument} with file and
// line where it is no TOML.
[[nodiscard]] toml::table read_toml_file(const std::filesystem::path& path);

// «bench.toml:3», for error sentences.
[[nodiscard]] std::string place(const std::filesystem::path& path, const toml::source_region& source);

}  // namespace holdover::cli
