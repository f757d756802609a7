// SPDX-License-Identifier: MIT
// Signals as requests: what a terminal or a polite kill sends ends long work from inside, so that everything is taken
// down.
#pragma once

#include <array>
#include <atomic>
#include <csignal>

namespace holdover::cli {

// SIGINT, SIGTERM, SIGHUP and SIGQUIT are requests while this lives; each works at once a second time, and nohup stays
// in force. Where the program began with signals blocked, they are let through from here on, those that wait first. A
// file that may not grow (SIGXFSZ) is a failed write like any other. One at a time.
class SignalsAreRequests {
 public:
  SignalsAreRequests();
  SignalsAreRequests(const SignalsAreRequests&) = delete;
  SignalsAreRequests& operator=(const SignalsAreRequests&) = delete;
  ~SignalsAreRequests();

  // Set by the first of them; never cleared.
  [[nodiscard]] static const std::atomic<bool>& requested();

 private:
  static constexpr std::array<int, 4> kRequests = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
  std::array<struct sigaction, kRequests.size()> old_{};
  struct sigaction old_file_size_ {};
};

}  // namespace holdover::cli
