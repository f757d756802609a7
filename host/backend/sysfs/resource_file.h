// SPDX-License-Identifier: MIT
// A memory BAR by way of `resourceN` of a sysfs tree.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>

#include "pcie/units.h"

namespace holdover::host {

class ResourceFile {
 public:
  // Maps the file; where it cannot be mapped (a tree that is served from user space), it is read and written. Throws
  // Error{Refused} with the errno where it cannot be opened.
  ResourceFile(std::filesystem::path path, Bytes size);
  ~ResourceFile();
  ResourceFile(const ResourceFile&) = delete;
  ResourceFile& operator=(const ResourceFile&) = delete;

  // False: each access is a system call, and a request to whoever serves the tree.
  [[nodiscard]] bool mapped() const { return mapping_ != nullptr; }

  // One access of 1, 2, 4 or 8 bytes, naturally aligned, inside the BAR; anything else throws Error{InvalidArgument}.
  // Throws Error{Refused} with the errno of a read or write.
  [[nodiscard]] std::uint64_t load(Bytes offset, unsigned size) const;
  void store(Bytes offset, unsigned size, std::uint64_t value) const;

 private:
  void check(Bytes offset, unsigned size) const;
  [[noreturn]] void refuse(const char* what) const;

  std::filesystem::path path_;
  Bytes size_;
  int descriptor_ = -1;
  std::byte* mapping_ = nullptr;  // null: not mapped
};

}  // namespace holdover::host
