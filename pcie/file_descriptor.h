// SPDX-License-Identifier: MIT
// Owner of a file descriptor.
#pragma once

#include <unistd.h>

#include <utility>

namespace holdover {

class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int number) : number_(number) {}
  FileDescriptor(FileDescriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~FileDescriptor() { reset(); }

  [[nodiscard]] int number() const { return number_; }
  // Gives the descriptor up without closing it.
  [[nodiscard]] int release() { return std::exchange(number_, -1); }
  // Closes it now. A failure to close has no consequence that anyone could act on here.
  void reset() {
    if (number_ >= 0) static_cast<void>(::close(std::exchange(number_, -1)));
  }

 private:
  int number_ = -1;
};

}  // namespace holdover
