// SPDX-License-Identifier: MIT
#include "cli/interruption.h"

namespace holdover::cli {
namespace {

// A signal handler can reach nothing else.
std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free);

extern "C" void on_signal(int) { interrupted.store(true); }

}  // namespace

SignalsAreRequests::SignalsAreRequests() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  for (std::size_t i = 0; i < kRequests.size(); ++i) {
    sigaction(kRequests[i], nullptr, &old_[i]);
    if (old_[i].sa_handler != SIG_IGN) sigaction(kRequests[i], &action, nullptr);
  }
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_UNBLOCK, &all, nullptr);
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGXFSZ, &ignore, &old_file_size_);
}

SignalsAreRequests::~SignalsAreRequests() {
  for (std::size_t i = 0; i < kRequests.size(); ++i) sigaction(kRequests[i], &old_[i], nullptr);
  sigaction(SIGXFSZ, &old_file_size_, nullptr);
}

const std::atomic<bool>& SignalsAreRequests::requested() { return interrupted; }

}  // namespace holdover::cli
