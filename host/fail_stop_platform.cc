// SPDX-License-Identifier: MIT
#include "host/fail_stop_platform.h"

namespace holdover::host {

template <typename Result, typename Call>
Result FailStopPlatform::guarded(Result silence, Call call) {
  if (failure_) {
    return silence;
  }
  try {
    return call();
  } catch (...) {
    failure_ = std::current_exception();
    on_failure_();
    throw;
  }
}

std::uint32_t FailStopPlatform::config_read(pcie::Bdf function, Bytes offset, unsigned size) {
  return guarded(~std::uint32_t{0}, [&] { return platform_.config_read(function, offset, size); });
}

void FailStopPlatform::config_write(pcie::Bdf function, Bytes offset, unsigned size, std::uint32_t value) {
  guarded(0, [&] { return platform_.config_write(function, offset, size, value), 0; });
}

std::uint64_t FailStopPlatform::mmio_read(BusAddress address, unsigned size) {
  return guarded(~std::uint64_t{0}, [&] { return platform_.mmio_read(address, size); });
}

void FailStopPlatform::mmio_write(BusAddress address, unsigned size, std::uint64_t value) {
  guarded(0, [&] { return platform_.mmio_write(address, size, value), 0; });
}

std::optional<std::uint8_t> FailStopPlatform::take_interrupt() {
  return guarded(std::optional<std::uint8_t>{}, [&] { return platform_.take_interrupt(); });
}

Time FailStopPlatform::now() {
  return guarded(Time{0}, [&] { return platform_.now(); });
}

void FailStopPlatform::wait(Time duration) {
  guarded(0, [&] { return platform_.wait(duration), 0; });
}

void FailStopPlatform::jump(PhysicalAddress boot_parameters) {
  guarded(0, [&] { return platform_.jump(boot_parameters), 0; });
}

void FailStopPlatform::console(std::string_view line) {
  guarded(0, [&] { return platform_.console(line), 0; });
}

void FailStopPlatform::mark(pcie::Phase phase, pcie::Step step, std::uint64_t value) {
  guarded(0, [&] { return platform_.mark(phase, step, value), 0; });
}

}  // namespace holdover::host
