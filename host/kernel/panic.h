// SPDX-License-Identifier: MIT
// Fail stop of the emulated kernel: going on could let a device reach memory or numbers that are not its own.
#pragma once

#include <stdexcept>
#include <string>

namespace holdover::host::kernel {

// Thrown through all of the kernel; only the image's entry point catches it. The devices go on with their DMA.
class Panic : public std::runtime_error {
 public:
  explicit Panic(const std::string& reason) : std::runtime_error(reason) {}
};

}  // namespace holdover::host::kernel
