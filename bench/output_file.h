// SPDX-License-Identifier: MIT
// Files that exist whole or not at all.
#pragma once

#include <filesystem>
#include <string>

namespace holdover::bench {

// Throws Error{Unavailable} that names the option where the file could not be written: no such directory, no
// permission, or the path is a directory. Leaves nothing behind.
void require_writable(const std::string& option, const std::filesystem::path& path);
// Writes under a temporary name in the same directory, then renames. Throws Error{Unavailable}; then the temporary file
// is gone and what stood at `path` is untouched.
void write_whole(const std::filesystem::path& path, const std::string& text);

}  // namespace holdover::bench
