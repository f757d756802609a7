// SPDX-License-Identifier: MIT
// An eventfd that a client has passed on.
#pragma once

#include <optional>

#include "pcie/file_descriptor.h"

namespace holdover::serve {

class EventFile {
 public:
  // Nothing where the descriptor is none of an eventfd.
  [[nodiscard]] static std::optional<EventFile> take(FileDescriptor descriptor);

  // Adds 1. A counter that is full stays so: nobody waits for a client that does not read it.
  void signal() const;

 private:
  explicit EventFile(FileDescriptor descriptor) : descriptor_(std::move(descriptor)) {}

  FileDescriptor descriptor_;
};

}  // namespace holdover::serve
