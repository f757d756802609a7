// SPDX-License-Identifier: MIT
// File descriptors of the one process that an emulated kernel runs.
#pragma once

#include <map>

#include "host/kernel/luo/kernel_file.h"

namespace holdover::host::kernel {

class DescriptorTable {
 public:
  DescriptorTable() = default;
  DescriptorTable(const DescriptorTable&) = delete;
  DescriptorTable& operator=(const DescriptorTable&) = delete;
  ~DescriptorTable() { close_all(); }

  // The lowest free number, 3 or above: 0 to 2 are the standard streams. The descriptor holds `file`.
  [[nodiscard]] int install(KernelFile& file, bool close_on_exec = true);
  // Null where the number is not open (EBADF).
  [[nodiscard]] KernelFile* find(int descriptor) const;
  // FD_CLOEXEC, which belongs to the descriptor and not to its file. Contract: open.
  [[nodiscard]] bool close_on_exec(int descriptor) const;
  // EBADF.
  int close(int descriptor);
  // The process ends: ascending.
  void close_all();

 private:
  struct Entry {
    KernelFile* file = nullptr;
    bool close_on_exec = true;
  };
  std::map<int, Entry> entries_;
};

}  // namespace holdover::host::kernel
