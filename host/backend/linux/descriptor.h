// SPDX-License-Identifier: MIT
// Owner of a file descriptor, and what every file of a real kernel has one of.
#pragma once

#include <utility>

#include "host/backend/linux/system_calls.h"

namespace holdover::host {

class Descriptor {
 public:
  Descriptor() = default;
  // `calls` outlives the descriptor.
  Descriptor(SystemCalls& calls, int number) : calls_(&calls), number_(number) {}
  Descriptor(Descriptor&& other) noexcept : calls_(other.calls_), number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(calls_, other.calls_);
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() { reset(); }

  [[nodiscard]] int number() const { return number_; }
  [[nodiscard]] bool open() const { return number_ >= 0; }
  // Closes it now. A failure to close has no consequence that anyone could act on here.
  void reset() {
    if (number_ >= 0) static_cast<void>(calls_->close(std::exchange(number_, -1)));
  }

 private:
  SystemCalls* calls_ = nullptr;
  int number_ = -1;
};

// A file that can be handed to the kernel by number: to map it, or to preserve it in a session.
class DescriptorFile {
 public:
  virtual ~DescriptorFile() = default;
  // Valid as long as the file lives. -1 where there is none yet.
  [[nodiscard]] virtual int descriptor() const = 0;
};

}  // namespace holdover::host
