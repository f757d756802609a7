// SPDX-License-Identifier: MIT
// One look at an endpoint: all that its monitor, its streams and its configuration space tell at a moment. A plain
// structure, so that it can be kept in a file while the kernel is replaced.
#pragma once

#include <array>
#include <cstdint>
#include <type_traits>

#include "bench/ledger/config_ledger.h"
#include "host/device/device.h"
#include "pcie/units.h"

namespace holdover::bench {

// A configuration write as the monitor's log has it.
struct LoggedWrite {
  std::uint64_t clock = 0;
  std::uint32_t offset = 0;  // of the double word
  std::uint32_t byte_enables = 0;
  std::uint32_t data = 0;
  std::uint32_t reserved = 0;
};

struct Look {
  static constexpr unsigned kChannels = 8;
  static constexpr unsigned kVectors = 32;
  static constexpr unsigned kLogEntries = 64;
  static constexpr unsigned kConfigWords = 1024;

  struct Writer {
    std::uint64_t sequence = 0;
    std::uint32_t running = 0;
    std::uint32_t missed = 0;
    std::uint32_t period = 0;  // clocks
    std::uint32_t entries = 0;
  };
  struct Reader {
    std::uint64_t count = 0;
    std::uint32_t running = 0;
    std::uint32_t missed = 0;
    std::uint32_t mismatches = 0;
    std::uint32_t failed = 0;
  };
  struct Channel {
    std::uint64_t completed = 0;
    std::uint64_t bytes = 0;
    std::uint64_t checked = 0;
    std::uint32_t control = 0;
    std::uint32_t status = 0;
    std::uint32_t mismatches = 0;
    std::uint32_t entries = 0;
  };
  struct Vector {
    std::uint32_t events = 0;
    std::uint32_t coalesced = 0;
    std::uint32_t messages = 0;
    std::uint32_t reserved = 0;
  };

  std::uint64_t clock = 0;    // TIME; 0 where the endpoint does not answer
  std::uint32_t answers = 0;  // 1: BAR 0 is that of an endpoint with this register map
  std::uint32_t capabilities = 0;
  std::uint32_t clock_period_ps = 0;
  std::uint32_t scratch = 0;
  std::uint32_t sticky = 0;
  std::uint32_t pending = 0;
  std::array<std::uint64_t, 8> sticky_clock{};
  std::uint32_t tx_reads = 0;
  std::uint32_t rx_completions = 0;
  std::uint32_t rx_bad_completions = 0;
  std::uint32_t timeouts = 0;
  std::uint32_t config_writes = 0;
  std::uint32_t longest_silence = 0;  // clocks
  Writer writer;
  Reader reader;
  std::array<Channel, kChannels> channels{};
  std::array<Vector, kVectors> vectors{};
  std::array<LoggedWrite, kLogEntries> log{};        // write number n at n modulo kLogEntries
  std::array<std::uint32_t, kConfigWords> config{};  // as the host reads it; what no capability covers reads 0 here
};
static_assert(std::is_trivially_copyable_v<Look>);

// Reads, and writes nothing but LOG_SELECT of the monitor.
[[nodiscard]] Look look_at(host::Device& device);

// Its configuration space, as registers.
[[nodiscard]] ConfigShadow shadow_of(const Look& look);

[[nodiscard]] inline Time device_time(const Look& look, std::uint64_t clock) {
  return Time{clock * look.clock_period_ps};
}

}  // namespace holdover::bench
