// SPDX-License-Identifier: MIT
// A configuration file: TOML with the option names of `holdover run` as keys.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace holdover::cli {

struct Setting {
  std::string name;
  std::string value;
  std::string where;  // «bench.toml:3», for error sentences
};

// In the order of the file; a list under a repeatable option gives one setting for each item. Throws Error{Unavailable}
// where the file cannot be read, Error{InvalidArgument} with file and line where it is no TOML, holds an unknown key,
// or a value of the wrong kind.
[[nodiscard]] std::vector<Setting> read_config_file(const std::filesystem::path& path);

}  // namespace holdover::cli
