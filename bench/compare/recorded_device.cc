// SPDX-License-Identifier: MIT
#include "bench/compare/recorded_device.h"

#include <algorithm>
#include <array>
#include <bit>
#include <optional>
#include <string_view>

#include "pcie/config_space.h"

namespace holdover::bench {
namespace {

namespace config = pcie::config;

constexpr std::size_t kBars = 6;
constexpr std::uint32_t kOnes = 0xffff'ffff;
constexpr std::uint32_t kAttributes = 0xf;

struct Bar {
  bool io = false;
  bool wide = false;
  bool prefetchable = false;
  unsigned size_log2 = 0;
};

// What each BAR register became when all ones were written; nothing where that never happened.
std::array<std::optional<std::uint32_t>, kBars> sized(const ConfigLog& log) {
  std::array<std::optional<std::uint32_t>, kBars> registers;
  for (const LoggedWrite& write : log.writes) {
    if (write.size != 4 || write.value != kOnes) continue;
    if (write.offset < config::kBar0 || write.offset >= config::kBar0 + 4 * kBars) continue;
    registers[(write.offset - config::kBar0) / 4] = write.after;
  }
  return registers;
}

std::array<std::optional<Bar>, kBars> bars(const ConfigLog& log) {
  const auto registers = sized(log);
  std::array<std::optional<Bar>, kBars> all;
  for (std::size_t index = 0; index < kBars; ++index) {
    const std::uint32_t low = registers[index].value_or(0);
    if (low == 0) continue;
    Bar bar;
    bar.io = (low & 1) != 0;
    bar.wide = !bar.io && (low & 6) == 4 && index + 1 < kBars;
    bar.prefetchable = !bar.io && (low & 8) != 0;
    std::uint64_t mask = low & ~std::uint64_t{kAttributes};
    if (bar.wide) mask |= std::uint64_t{registers[index + 1].value_or(kOnes)} << 32;
    bar.size_log2 = static_cast<unsigned>(std::countr_zero(mask));
    all[index] = bar;
    if (bar.wide) ++index;
  }
  return all;
}

std::string describe(std::size_t index, const Bar& bar) {
  return "BAR " + std::to_string(index) + " of the device (" +
         (bar.io     ? "I/O"
          : bar.wide ? "64 bits"
                     : "32 bits") +
         (bar.prefetchable ? ", prefetchable" : "") + ", 2^" + std::to_string(bar.size_log2) + " bytes)";
}

// The straps offer BAR 0 and BAR 2, of two kinds.
void imitate(std::size_t index, const std::optional<Bar>& bar, bool& wide, unsigned& size_log2, unsigned least,
             unsigned most, std::vector<std::string>& unlike) {
  if (!bar) {
    unlike.push_back("the device has no BAR " + std::to_string(index) + ", and the emulated endpoint has one");
    return;
  }
  wide = bar->wide;
  size_log2 = std::clamp(bar->size_log2, least, wide ? most : std::min(most, 31u));
  if (bar->io || bar->wide != bar->prefetchable || size_log2 != bar->size_log2) {
    unlike.push_back(describe(index, *bar) + " is another than the emulated endpoint can have");
  }
}

bool writes_bit(const ConfigLog& log, const RegisterNames& names, std::string_view name, std::uint32_t bits) {
  return std::any_of(log.writes.begin(), log.writes.end(), [&](const LoggedWrite& write) {
    return names.name(write.offset) == name && (write.value & bits) != 0;
  });
}

// A kernel that finds a function writes Link Control for the read completion boundary, and a second time for the clock
// where the link has states of active state power management. It tries INTx Disable once for each function.
bool configures_clock(const ConfigLog& log, const RegisterNames& names) {
  std::size_t functions = 0;
  std::size_t controls = 0;
  for (const LoggedWrite& write : log.writes) {
    const std::uint32_t inverted = write.before ^ write.value;
    functions += write.offset == config::kCommand && inverted == config::kCommandIntxDisable &&
                         (write.value & config::kCommandIntxDisable) != 0
                     ? 1
                     : 0;
    controls += names.name(write.offset) == "PCIE.LnkCtl" ? 1 : 0;
  }
  return controls > functions;
}

bool names_any(const ConfigLog& log, std::string_view prefix) {
  return std::any_of(log.writes.begin(), log.writes.end(),
                     [prefix](const LoggedWrite& write) { return write.name.substr(0, prefix.size()) == prefix; });
}

}  // namespace

void deduce_device(const ConfigLog& log, const RegisterNames& names, sim::EndpointConfig& endpoint,
                   std::vector<std::string>& unlike) {
  constexpr std::uint32_t kCommonClock = 1u << 6;
  endpoint = sim::select_endpoint("recorded");
  const auto found = bars(log);
  imitate(0, found[0], endpoint.bar0_wide, endpoint.bar0_size_log2, 16, 31, unlike);
  imitate(2, found[2], endpoint.bar2_wide, endpoint.bar2_size_log2, 12, 48, unlike);
  for (const std::size_t index : {1u, 3u, 4u, 5u}) {
    if (found[index]) unlike.push_back(describe(index, *found[index]) + " is missing in the emulated endpoint");
  }
  // What is never written although it is there cannot be told from what is not there, and makes no difference.
  endpoint.aer = names_any(log, "AER.");
  endpoint.pme = names_any(log, "PM.");
  endpoint.extended_tag = writes_bit(log, names, "PCIE.DevCtl", config::kDeviceControlExtendedTag);
  endpoint.slot_clock = writes_bit(log, names, "PCIE.LnkCtl", kCommonClock);
  endpoint.aspm = configures_clock(log, names) ? sim::kAspmAll : 0;
  endpoint.io_space = false;
  for (const LoggedWrite& write : log.writes) {
    if (write.offset == config::kCommand && (write.after & config::kCommandIo) != 0) endpoint.io_space = true;
    if (names.name(write.offset) == "PCIE.DevCtl") {
      const unsigned payload = (write.after & config::kDeviceControlMaxPayload) >> 5;
      endpoint.max_payload_supported = std::max(endpoint.max_payload_supported, std::min(payload, 2u));
    }
  }
}

}  // namespace holdover::bench
