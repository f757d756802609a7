// SPDX-License-Identifier: MIT
#include "host/agent/stage.h"

#include <algorithm>
#include <charconv>

namespace holdover::host {
namespace {

using std::chrono::nanoseconds;

// Interrupts are taken this often while nothing else happens.
constexpr nanoseconds kTick{20'000};

}  // namespace

nanoseconds duration_parameter(System& system, const std::string& name, nanoseconds otherwise) {
  const std::string text = system.parameter(name);
  if (text.empty()) {
    return otherwise;
  }
  std::uint32_t microseconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), microseconds);
  if (error != std::errc{} || end != text.data() + text.size()) {
    throw Error(ErrorCode::InvalidArgument,
                "parameter " + name + "=" + text + " of the command line is not a number of microseconds");
  }
  return std::chrono::microseconds(microseconds);
}

void let_run(System& system, const Streams& all, nanoseconds duration) {
  while (duration > nanoseconds{0}) {
    const nanoseconds step = std::min(duration, kTick);
    system.wait(step);
    duration -= step;
    for (const auto& streams : all) {
      streams->take_interrupts();
    }
  }
}

void let_run_alone(System& system) {
  let_run(system, {}, duration_parameter(system, "after_us", std::chrono::microseconds(200)));
}

unsigned running_streams(const Streams& all) {
  unsigned count = 0;
  for (const auto& streams : all) {
    count += streams->running_streams();
  }
  return count;
}

}  // namespace holdover::host
