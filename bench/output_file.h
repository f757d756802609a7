// SPDX-License-Identifier: MIT
// Files that exist whole or not at all.
#pragma once

#include <filesystem>
#include <string>

namespace holdover::bench {

// Where a file of this name stands or would stand: absolute, symbolic links followed. The path itself where that place
// does not exist.
[[nodiscard]] std::filesystem::path place_of(const std::filesystem::path& path);
// Throws Error{Unavailable} that names the option where the file could not be written: no such directory, no
// permission, or the path is a directory, a device, a pipe or a socket, which a rename would replace. Leaves nothing
// behind.
void require_writable(const std::string& option, const std::filesystem::path& path);
// Writes under a temporary name in the same directory, then renames. Throws Error{Unavailable}; then the temporary file
// is gone and what stood at `path` is untouched.
void write_whole(const std::string& option, const std::filesystem::path& path, const std::string& text);

}  // namespace holdover::bench
