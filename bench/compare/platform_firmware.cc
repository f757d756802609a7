// SPDX-License-Identifier: MIT
#include "bench/compare/platform_firmware.h"

#include <algorithm>
#include <vector>

#include "pcie/config_space.h"
#include "pcie/error.h"
#include "sim/witness.h"

namespace holdover::bench {
namespace {

namespace config = pcie::config;

constexpr std::uint8_t kSecondary = 1;
constexpr std::uint64_t kWindowUnit = 1 << 20;
constexpr unsigned kBars = 6;

struct Bar {
  unsigned offset;
  bool wide;
  std::uint64_t size;
};

class Function {
 public:
  Function(pcie::Platform& platform, pcie::Bdf bdf) : platform_(platform), bdf_(bdf) {}
  [[nodiscard]] std::uint32_t read(unsigned offset) const { return platform_.config_read(bdf_, Bytes{offset}, 4); }
  void write(unsigned offset, std::uint32_t value, unsigned size = 4) const {
    platform_.config_write(bdf_, Bytes{offset}, size, value);
  }

 private:
  pcie::Platform& platform_;
  pcie::Bdf bdf_;
};

std::vector<Bar> size_bars(const Function& function) {
  std::vector<Bar> bars;
  for (unsigned index = 0; index < kBars; ++index) {
    const unsigned offset = config::kBar0 + 4 * index;
    function.write(offset, ~std::uint32_t{0});
    const std::uint32_t low = function.read(offset);
    if (low == 0) continue;
    const bool wide = (low & 6) == 4;
    std::uint64_t mask = low & ~std::uint64_t{0xf};
    if (wide) {
      function.write(offset + 4, ~std::uint32_t{0});
      mask |= std::uint64_t{function.read(offset + 4)} << 32;
      ++index;
    } else {
      mask |= ~std::uint64_t{0} << 32;
    }
    bars.push_back({offset, wide, mask & (~mask + 1)});
  }
  // The largest first: each is then aligned to its size.
  std::stable_sort(bars.begin(), bars.end(), [](const Bar& a, const Bar& b) { return a.size > b.size; });
  return bars;
}

// Fills a window from its begin; returns its last unit's address.
std::uint64_t place(const Function& function, const std::vector<Bar>& bars, bool wide, std::uint64_t base,
                    std::uint64_t size) {
  std::uint64_t next = base;
  for (const Bar& bar : bars) {
    if (bar.wide != wide) continue;
    if (bar.size > size - (next - base)) {
      throw Error(ErrorCode::InvalidArgument, "the BARs of the endpoint do not fit into the platform's windows");
    }
    function.write(bar.offset, static_cast<std::uint32_t>(next));
    if (wide) function.write(bar.offset + 4, static_cast<std::uint32_t>(next >> 32));
    next += bar.size;
  }
  return next == base ? 0 : (next - 1) / kWindowUnit * kWindowUnit;
}

// Base and limit as both kinds of windows keep them, closed where there is nothing.
std::uint32_t window(std::uint64_t base, std::uint64_t last) {
  if (last == 0) return 0x0000'fff0;
  return static_cast<std::uint32_t>(last & 0xfff0'0000) | static_cast<std::uint32_t>(base >> 16 & 0xfff0);
}

}  // namespace

void configure_platform(pcie::Platform& platform, pcie::Bdf port, const FirmwareSettings& settings) {
  const sim::PlatformMap& map = sim::kPlatformMap;
  const Function above(platform, port);
  const Function below(platform, pcie::Bdf{0, kSecondary, 0, 0});
  above.write(config::kPrimaryBus, std::uint32_t{kSecondary} << 16 | std::uint32_t{kSecondary} << 8 | port.bus);
  const std::vector<Bar> bars = size_bars(below);
  const std::uint64_t low = map.window32.raw();
  const std::uint64_t high = map.window64.raw();
  const std::uint64_t last_low = place(below, bars, false, low, map.window32_size.count());
  const std::uint64_t last_high = place(below, bars, true, high, map.window64_size.count());
  above.write(config::kMemoryBase, window(low, last_low));
  above.write(config::kPrefetchBase, window(high, last_high));
  above.write(config::kPrefetchBaseUpper, last_high == 0 ? 0 : static_cast<std::uint32_t>(high >> 32));
  above.write(config::kPrefetchLimitUpper, static_cast<std::uint32_t>(last_high >> 32));
  above.write(config::kBridgeControl, settings.bridge_control, 2);
  above.write(config::kCommand, settings.command, 2);
  below.write(config::kCommand, settings.command, 2);
}

}  // namespace holdover::bench
