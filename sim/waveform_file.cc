// SPDX-License-Identifier: MIT
#include "sim/waveform_file.h"

#include <array>
#include <cstdint>
#include <fstream>
#include <system_error>

namespace holdover::sim {

// A whole file is a chain of blocks, each with a
// kind (1 byte) and the length of what follows (8 bytes, big endian, itself included), that ends with the file.
bool is_whole_waveform(const std::filesystem::path& path) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  constexpr std::uintmax_t kPrefix = 9;
  std::uintmax_t at = 0;
  while (!error && at + kPrefix <= size) {
    std::array<char, kPrefix> prefix{};
    file.seekg(static_cast<std::streamoff>(at));
    if (!file.read(prefix.data(), prefix.size())) return false;
    std::uint64_t length = 0;
    for (std::size_t i = 1; i < prefix.size(); ++i) length = length << 8 | static_cast<unsigned char>(prefix[i]);
    if (length < kPrefix - 1 || length > size - at - 1) return false;
    at += 1 + length;
  }
  return !error && size > 0 && at == size;
}

}  // namespace holdover::sim
