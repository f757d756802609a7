// SPDX-License-Identifier: MIT
#include "serve/vfio_user/event_file.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <mutex>
#include <string>
#include <string_view>

namespace holdover::serve {
namespace {

// A write into an eventfd whose counter a client fills at the same moment would wait for ever: a timer of this thread
// ends it. The file may not be made non-blocking, for the client would see that too.
class Alarm {
 public:
  Alarm() {
    static std::once_flag once;
    std::call_once(once, [] {
      struct sigaction action {};
      action.sa_handler = [](int) {};  // without SA_RESTART: the call is interrupted
      static_cast<void>(::sigaction(kSignal, &action, nullptr));
    });
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = kSignal;
    event._sigev_un._tid = static_cast<pid_t>(::syscall(SYS_gettid));
    made_ = ::timer_create(CLOCK_MONOTONIC, &event, &timer_) == 0;
  }
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;
  ~Alarm() {
    if (made_) static_cast<void>(::timer_delete(timer_));
  }
  void set(long nanoseconds) const {
    itimerspec when{};
    when.it_value.tv_nsec = nanoseconds;
    when.it_interval.tv_nsec = nanoseconds;  // again, where the first came before the call
    if (made_) static_cast<void>(::timer_settime(timer_, 0, &when, nullptr));
  }

 private:
  static inline const int kSignal = SIGRTMAX - 3;
  timer_t timer_{};
  bool made_ = false;
};

constexpr long kLongestWrite = 50'000'000;  // 50 ms

}  // namespace

std::optional<EventFile> EventFile::take(FileDescriptor descriptor) {
  std::array<char, 64> target{};
  const std::string name = "/proc/self/fd/" + std::to_string(descriptor.number());
  const ssize_t size = ::readlink(name.c_str(), target.data(), target.size());
  if (size <= 0 || std::string_view(target.data(), static_cast<std::size_t>(size)) != "anon_inode:[eventfd]") {
    return std::nullopt;
  }
  return EventFile{std::move(descriptor)};
}

void EventFile::signal() const {
  pollfd room{descriptor_.number(), POLLOUT, 0};
  if (::poll(&room, 1, 0) != 1 || (room.revents & POLLOUT) == 0) return;
  thread_local Alarm alarm;
  const std::uint64_t one = 1;
  alarm.set(kLongestWrite);
  // A counter that was filled meanwhile has been raised anyway.
  static_cast<void>(!::write(descriptor_.number(), &one, sizeof one));
  alarm.set(0);
}

}  // namespace holdover::serve
