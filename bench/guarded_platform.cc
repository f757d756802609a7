// SPDX-License-Identifier: MIT
#include "bench/guarded_platform.h"

#include <algorithm>
#include <exception>
#include <utility>

namespace holdover::bench {
namespace {

constexpr Time kSlice{20'000'000};  // longest wait that passes without a look
constexpr Time kProgressInterval{25'000'000};

std::uint32_t all_ones(unsigned size) { return size >= 4 ? ~0u : (1u << (8 * size)) - 1; }

}  // namespace

GuardedPlatform::GuardedPlatform(sim::ObservedMachine& machine, Observer& observer, std::function<bool()> stop,
                                 Time limit, Progress progress)
    : machine_(machine),
      platform_(machine.platform()),
      observer_(observer),
      stop_(std::move(stop)),
      limit_(limit),
      progress_(std::move(progress)) {}

bool GuardedPlatform::is_stopped() {
  if (stop_ && stop_()) interrupted_ = true;
  if (interrupted_) return true;
  const Time now = platform_.now();
  if (progress_ && now >= reported_ + kProgressInterval) {
    reported_ = now;
    progress_({now, observer_.ledgers().scene.phase(), machine_.cycles()});
  }
  return false;
}

void GuardedPlatform::look() {
  observer_.settle();
  if (ending() || is_stopped()) return;
  const Time now = platform_.now();
  stuck_ = observer_.stuck(now);
  if (!stuck_ && now > observer_.last_mark() + limit_) {
    stuck_ = "the host has made no progress since " + readable_time(observer_.last_mark()) + ", phase " +
             std::string(pcie::to_string(observer_.ledgers().scene.phase()));
  }
  if (!stuck_) return;
  dump_ = machine_.dump();
}

// A host on its way down runs destructors, and so does one that an exception passes through.
bool GuardedPlatform::may_leave() const { return std::uncaught_exceptions() == 0 && !observer_.going_down(); }

void GuardedPlatform::leave_if_ending() {
  if (!ending() || left_ || !may_leave()) return;
  left_ = true;
  left_time_ = platform_.now();
  throw RunStopped{};
}

std::uint32_t GuardedPlatform::config_read(pcie::Bdf function, Bytes offset, unsigned size) {
  if (left_) return all_ones(size);
  const std::uint32_t value = platform_.config_read(function, offset, size);
  look();
  leave_if_ending();
  return value;
}

void GuardedPlatform::config_write(pcie::Bdf function, Bytes offset, unsigned size, std::uint32_t value) {
  if (left_) return;
  platform_.config_write(function, offset, size, value);
  look();
  leave_if_ending();
}

std::uint64_t GuardedPlatform::mmio_read(BusAddress address, unsigned size) {
  if (left_) return size == 8 ? ~std::uint64_t{0} : all_ones(size);
  const std::uint64_t value = platform_.mmio_read(address, size);
  look();
  leave_if_ending();
  return value;
}

void GuardedPlatform::mmio_write(BusAddress address, unsigned size, std::uint64_t value) {
  if (left_) return;
  platform_.mmio_write(address, size, value);
  look();
  leave_if_ending();
}

std::optional<std::uint8_t> GuardedPlatform::take_interrupt() {
  if (left_) return std::nullopt;
  return platform_.take_interrupt();
}

Time GuardedPlatform::now() { return left_ ? left_time_ : platform_.now(); }

void GuardedPlatform::wait(Time duration) {
  if (left_) {
    left_time_ += duration;
    return;
  }
  leave_if_ending();
  const bool leaves = may_leave();
  if (leaves) observer_.interrupt_when([this] { return is_stopped(); });
  try {
    for (Time left = duration; left > Time{0} && !(leaves && ending());) {
      const Time slice = std::min(left, kSlice);
      platform_.wait(slice);
      left -= slice;
      look();
    }
  } catch (const Observer::Interruption&) {
    interrupted_ = true;
  }
  observer_.interrupt_when({});
  leave_if_ending();
}

void GuardedPlatform::jump(PhysicalAddress boot_parameters) {
  if (left_) return;
  leave_if_ending();
  observer_.prepare_jump(platform_.now(), boot_parameters);
  observer_.interrupt_when([this] { return is_stopped(); });
  try {
    platform_.jump(boot_parameters);
    look();
  } catch (const Observer::Interruption&) {
    interrupted_ = true;
  }
  observer_.interrupt_when({});
  leave_if_ending();
}

void GuardedPlatform::console(std::string_view line) { platform_.console(line); }

void GuardedPlatform::mark(pcie::Phase phase, pcie::Step step, std::uint64_t value) {
  platform_.mark(phase, step, value);
  observer_.settle_window(platform_.now());
}

}  // namespace holdover::bench
