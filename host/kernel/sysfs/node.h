// SPDX-License-Identifier: MIT
// Nodes of the kernel's sysfs: folders, links, and the two kinds of attributes (struct device_attribute, struct
// bin_attribute). Nothing here knows how the tree is mounted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "pcie/units.h"

namespace holdover::host::kernel::sysfs {

struct Entry;

struct Folder {
  std::function<std::vector<Entry>()> entries;  // what is in it now, by ascending name
};

struct Link {
  std::string target;  // relative to the folder of the link
};

// What show() of an attribute answers: a positive errno, or text.
struct Shown {
  int error = 0;
  std::string text;
};

struct Text {
  unsigned mode = 0444;
  std::function<Shown()> show;                 // empty: cannot be read
  std::function<int(std::string_view)> store;  // 0 or a positive errno; empty: cannot be written
};

// How far a transfer came, or a positive errno.
struct Transfer {
  int error = 0;
  std::size_t bytes = 0;
};

struct Binary {
  unsigned mode = 0644;
  Bytes size{0};
  // Both are called with ranges that begin inside the size.
  std::function<Transfer(std::uint64_t offset, std::span<std::byte> into)> read;
  std::function<Transfer(std::uint64_t offset, std::span<const std::byte> from)> write;
};

using Node = std::variant<Folder, Link, Text, Binary>;

struct Entry {
  std::string name;
  Node node;
};

}  // namespace holdover::host::kernel::sysfs
