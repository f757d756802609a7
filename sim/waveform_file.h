// SPDX-License-Identifier: MIT
// The library that writes waveforms does not tell where a write failed; the file does.
#pragma once

#include <filesystem>

namespace holdover::sim {

// Whether the FST file at `path` has all of its blocks.
[[nodiscard]] bool is_whole_waveform(const std::filesystem::path& path);

}  // namespace holdover::sim
