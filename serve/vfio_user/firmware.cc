// SPDX-License-Identifier: MIT
#include "serve/vfio_user/firmware.h"

#include <algorithm>

#include "bench/firmware.h"
#include "pcie/capability.h"
#include "pcie/config_space.h"
#include "pcie/error.h"
#include "sim/witness.h"

namespace holdover::serve {
namespace {

namespace config = pcie::config;

constexpr unsigned kBars = 6;
constexpr std::uint64_t kWindowUnit = 1 << 20;
constexpr std::uint32_t kAllOnes = ~std::uint32_t{0};

std::uint64_t align(std::uint64_t value, std::uint64_t unit) { return (value + unit - 1) / unit * unit; }

// A window of the platform that is filled from its begin.
struct Range {
  std::uint64_t next;
  std::uint64_t end;

  std::uint64_t take(std::uint64_t size, std::uint64_t unit) {
    const std::uint64_t at = align(next, unit);
    if (at < next || at > end || size > end - at) {
      throw Error(ErrorCode::InvalidArgument,
                  "the BARs of the endpoints do not fit into the platform's windows; choose smaller ones");
    }
    next = at + size;
    return at;
  }
};

class Walk {
 public:
  explicit Walk(pcie::Platform& platform)
      : platform_(platform),
        low_{sim::kPlatformMap.window32.raw(),
             sim::kPlatformMap.window32.raw() + sim::kPlatformMap.window32_size.count()},
        high_{sim::kPlatformMap.window64.raw(),
              sim::kPlatformMap.window64.raw() + sim::kPlatformMap.window64_size.count()} {}

  std::vector<FoundFunction> run() {
    walk_bus(0);
    return std::move(found_);
  }

 private:
  [[nodiscard]] std::uint32_t read(pcie::Bdf function, unsigned offset) {
    return platform_.config_read(function, Bytes{offset}, 4);
  }
  void write(pcie::Bdf function, unsigned offset, unsigned size, std::uint32_t value) {
    platform_.config_write(function, Bytes{offset}, size, value);
  }

  void walk_bus(std::uint8_t bus) {
    for (std::uint8_t device = 0; device < 32; ++device) {
      const pcie::Bdf function{0, bus, device, 0};
      if ((read(function, config::kVendorId) & 0xffff) == 0xffff) continue;
      if ((read(function, config::kHeaderType & 0xffcu) >> 16 & 0x7f) == 1) {
        walk_bridge(function);
      } else {
        found_.push_back({function, place_bars(function)});
      }
    }
  }

  void walk_bridge(pcie::Bdf bridge) {
    const auto secondary = static_cast<std::uint8_t>(++last_bus_);
    const auto number = [&](unsigned last) {
      write(bridge, config::kPrimaryBus, 4, last << 16 | std::uint32_t{secondary} << 8 | bridge.bus);
    };
    number(sim::kPlatformMap.last_bus);
    const std::uint64_t low = low_.take(0, kWindowUnit);
    const std::uint64_t high = high_.take(0, kWindowUnit);
    walk_bus(secondary);
    number(last_bus_);
    set_windows(bridge, low, high);
    redirect(bridge);
    const unsigned express = capability(bridge, config::kCapExpress);
    const std::uint32_t control = platform_.config_read(bridge, Bytes{express + config::kExpressDeviceControl}, 2);
    write(bridge, express + config::kExpressDeviceControl, 2, control | config::kDeviceControlErrorReporting);
    write(bridge, config::kBridgeControl, 2, config::kBridgeControlSerr);
    write(bridge, config::kCommand, 2, config::kCommandMemory | config::kCommandBusMaster | config::kCommandSerr);
  }

  // From where these stood before what lies below was placed to where they stand now.
  void set_windows(pcie::Bdf bridge, std::uint64_t low, std::uint64_t high) {
    const std::uint64_t low_end = low_.take(0, kWindowUnit);
    const std::uint64_t high_end = high_.take(0, kWindowUnit);
    write(bridge, config::kMemoryBase, 4, window(low, low_end));
    write(bridge, config::kPrefetchBase, 4, window(high, high_end));
    write(bridge, config::kPrefetchBaseUpper, 4, static_cast<std::uint32_t>(high >> 32));
    write(bridge, config::kPrefetchLimitUpper, 4, static_cast<std::uint32_t>((high_end - 1) >> 32));
    if (high == high_end) {
      write(bridge, config::kPrefetchBaseUpper, 4, 0);
      write(bridge, config::kPrefetchLimitUpper, 4, 0);
    }
  }

  // Base and limit as both kinds of windows keep them, closed where there is nothing.
  [[nodiscard]] static std::uint32_t window(std::uint64_t begin, std::uint64_t end) {
    if (begin == end) return 0x0000'fff0;
    const std::uint64_t last = end - kWindowUnit;
    return static_cast<std::uint32_t>(last & 0xfff0'0000) | static_cast<std::uint32_t>(begin >> 16 & 0xfff0);
  }

  void redirect(pcie::Bdf bridge) {
    const auto reader = [&](unsigned offset) { return read(bridge, offset); };
    if (const auto acs = pcie::find_extended_capability(reader, config::kExtCapAcs)) {
      write(bridge, *acs + config::kAcsControl, 2, config::kAcsIsolation);
    }
  }

  [[nodiscard]] unsigned capability(pcie::Bdf function, std::uint8_t id) {
    const auto found = pcie::find_capability([&](unsigned offset) { return read(function, offset); }, id);
    HOLDOVER_CHECK(found.has_value());
    return *found;
  }

  [[nodiscard]] std::vector<FunctionBar> place_bars(pcie::Bdf function) {
    std::vector<FunctionBar> bars;
    for (unsigned index = 0; index < kBars; ++index) {
      const unsigned offset = config::kBar0 + 4 * index;
      write(function, offset, 4, kAllOnes);
      const std::uint32_t first = read(function, offset);
      if (first == 0) continue;
      FunctionBar bar;
      bar.index = index;
      bar.type = first & 0xf;
      bar.wide = (first & 6) == 4;
      std::uint64_t mask = first & ~std::uint64_t{0xf};
      if (bar.wide) {
        write(function, offset + 4, 4, kAllOnes);
        mask |= std::uint64_t{read(function, offset + 4)} << 32;
        ++index;
      } else {
        mask |= std::uint64_t{kAllOnes} << 32;
      }
      bar.size = mask & (~mask + 1);
      bars.push_back(bar);
    }
    for (FunctionBar& bar : bars) {
      bar.address = (bar.wide ? high_ : low_).take(bar.size, bar.size);
      write(function, config::kBar0 + 4 * bar.index, 4, static_cast<std::uint32_t>(bar.address));
      if (bar.wide) {
        write(function, config::kBar0 + 4 * (bar.index + 1), 4, static_cast<std::uint32_t>(bar.address >> 32));
      }
    }
    return bars;
  }

  pcie::Platform& platform_;
  Range low_;
  Range high_;
  unsigned last_bus_ = 0;
  std::vector<FoundFunction> found_;
};

}  // namespace

std::vector<FoundFunction> set_up_functions(pcie::Platform& platform, unsigned aspm) {
  bench::set_up_links(platform, aspm);
  return Walk{platform}.run();
}

}  // namespace holdover::serve
