// SPDX-License-Identifier: MIT
// Where a tree may be mounted.
#pragma once

#include <filesystem>

namespace holdover::serve {

// Throws Error{Unavailable} with one sentence: no FUSE here (/dev/fuse is missing or closed to this user, or
// fusermount3 is missing for one who is not root); the directory is not there, is no directory, has something mounted
// on it, or is not empty.
void require_mount_point(const std::filesystem::path& directory);

}  // namespace holdover::serve
