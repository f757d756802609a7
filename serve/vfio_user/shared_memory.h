// SPDX-License-Identifier: MIT
// Memory of another process, mapped from a file that it passed on. That process can make the file shorter at any time:
// what is no longer there is found out at the access, and harms nobody.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace holdover::serve {

class SharedMemory {
 public:
  // Whether the file can be mapped and keeps still: a regular file in memory or on a disk of this machine, nothing that
  // another process serves.
  [[nodiscard]] static bool can_map(int descriptor);
  // [offset, offset + size) of the file; `descriptor` is not needed afterwards. Nothing, and errno, where it is shorter
  // than that (EINVAL), or cannot be mapped.
  [[nodiscard]] static std::optional<SharedMemory> map(int descriptor, std::uint64_t offset, std::uint64_t size,
                                                       bool writable);
  SharedMemory(SharedMemory&& other) noexcept;
  SharedMemory& operator=(SharedMemory&& other) noexcept;
  ~SharedMemory();

  // In ascending order, eight aligned bytes at once. False where a part of it is no longer there. Contract: inside the
  // mapping.
  [[nodiscard]] bool read(std::uint64_t offset, std::span<std::byte> data) const;
  [[nodiscard]] bool write(std::uint64_t offset, std::span<const std::byte> data);

 private:
  SharedMemory(std::span<std::byte> mapped, std::span<std::byte> bytes) : mapped_(mapped), bytes_(bytes) {}

  std::span<std::byte> mapped_;  // whole pages of the file, which may be huge ones
  std::span<std::byte> bytes_;
};

}  // namespace holdover::serve
