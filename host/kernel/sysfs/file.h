// SPDX-License-Identifier: MIT
// An attribute while it is open: what fs/kernfs/file.c and fs/sysfs/file.c make of the reads and writes of user space.
#pragma once

#include <string>

#include "host/kernel/sysfs/node.h"

namespace holdover::host::kernel::sysfs {

// kernfs_fop_open(): EACCES where the attribute cannot be read, or written, whoever asks; EISDIR for a folder.
[[nodiscard]] int check_open(const Node& node, bool reads, bool writes);

class OpenAttribute {
 public:
  // Contract: an attribute.
  explicit OpenAttribute(Node node) : node_(std::move(node)) {}

  // At most a page; fewer bytes than asked for, or 0, at the end. A text is made at offset 0, and anew by a read that
  // does not go on where the last one ended.
  [[nodiscard]] Transfer read(std::uint64_t offset, std::span<std::byte> into);
  // At most a page. Texts take each write as a whole, wherever it is. EFBIG behind the end of a binary attribute.
  [[nodiscard]] Transfer write(std::uint64_t offset, std::span<const std::byte> from);

 private:
  [[nodiscard]] Transfer read(const Text& text, std::uint64_t offset, std::span<std::byte> into);

  Node node_;
  std::string shown_;
  std::uint64_t position_ = 0;  // where the last read of the text ended
};

}  // namespace holdover::host::kernel::sysfs
