// SPDX-License-Identifier: MIT
// A kernel that takes a device's registers away from under a mapping (a freeze that did not lead to a jump, a reset,
// the end of the device) sends SIGBUS to whoever touches them next.
#pragma once

#include <csignal>

namespace holdover::cli {

// While this lives that ends the program with a sentence and exit code 3: the witness is blind. One at a time.
class LostDeviceEnds {
 public:
  LostDeviceEnds();
  LostDeviceEnds(const LostDeviceEnds&) = delete;
  LostDeviceEnds& operator=(const LostDeviceEnds&) = delete;
  ~LostDeviceEnds();

 private:
  struct sigaction old_ {};
};

}  // namespace holdover::cli
