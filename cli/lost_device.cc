// SPDX-License-Identifier: MIT
#include "cli/lost_device.h"

#include <unistd.h>

#include <string_view>

namespace holdover::cli {
namespace {

constexpr int kInconclusive = 3;

void end(int) {
  constexpr std::string_view kSentence =
      "holdover: INCONCLUSIVE: the kernel took the registers of the device away (SIGBUS); it was frozen, reset or "
      "removed\n";
  static_cast<void>(::write(STDERR_FILENO, kSentence.data(), kSentence.size()) == 0);
  ::_exit(kInconclusive);
}

}  // namespace

LostDeviceEnds::LostDeviceEnds() {
  struct sigaction action {};
  action.sa_handler = end;
  ::sigaction(SIGBUS, &action, &old_);
}

LostDeviceEnds::~LostDeviceEnds() { ::sigaction(SIGBUS, &old_, nullptr); }

}  // namespace holdover::cli
