// SPDX-License-Identifier: MIT
// pin_replay FILE: drives the pins of a recorded run into a bare model and prints clocks per second of processor time,
// for docs/performance.md.
#include <cstdint>
#include <cstdio>
#include <ctime>

#include "pcie/error.h"
#include "sim/verilated_endpoint.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: pin_replay FILE\n");
    return 2;
  }
  try {
    holdover::sim::PinReplay replay{argv[1]};
    const std::clock_t begin = std::clock();
    const auto result = replay.run();
    const auto ticks = static_cast<std::uint64_t>(std::clock() - begin);
    const std::uint64_t microseconds = ticks * 1'000'000 / static_cast<std::uint64_t>(CLOCKS_PER_SEC);
    const std::uint64_t rate = result.clocks.count() * 1'000'000 / (microseconds == 0 ? 1 : microseconds);
    std::printf("%llu clocks in %llu us: %llu clocks per second (outputs %016llx)\n",
                static_cast<unsigned long long>(result.clocks.count()), static_cast<unsigned long long>(microseconds),
                static_cast<unsigned long long>(rate), static_cast<unsigned long long>(result.digest));
    return 0;
  } catch (const holdover::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
