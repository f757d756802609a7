// SPDX-License-Identifier: MIT
// Where a program finds the files that belong to it: in a build tree, and once it is installed.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace holdover {

// The executable, or the shared object, that this code is part of; empty where the system does not say.
[[nodiscard]] std::filesystem::path own_object();

// The folders that may hold files of this program and exist, nearest first: the one of own_object(), and where the
// build and the installation put kernel image and models, seen from there (docs/install.md).
[[nodiscard]] std::vector<std::filesystem::path> own_folders();

// The first file of that name in own_folders().
[[nodiscard]] std::optional<std::filesystem::path> own_file(const std::string& name);

}  // namespace holdover
