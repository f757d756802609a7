// SPDX-License-Identifier: MIT
// The kernel's side of an open file, as LUO sees it.
#pragma once

namespace holdover::host::kernel {

// Base of what a session can preserve. Whoever keeps the object (the kernel's file table) destroys it only while nobody
// holds it.
class KernelFile {
 public:
  KernelFile() = default;
  KernelFile(const KernelFile&) = delete;
  KernelFile& operator=(const KernelFile&) = delete;
  virtual ~KernelFile() = default;

  // LUO holds a file from preserve to unpreserve, and from retrieve to finish.
  void hold() { ++holders_; }
  void drop() {
    if (--holders_ == 0) last_dropped();
  }
  [[nodiscard]] bool held() const { return holders_ != 0; }

 private:
  // The last holder let go: the object's keeper may destroy it if nobody has it open.
  virtual void last_dropped() {}

  unsigned holders_ = 0;
};

}  // namespace holdover::host::kernel
