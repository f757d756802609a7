// SPDX-License-Identifier: MIT
#include "bench/firmware.h"

#include <algorithm>

#include "bench/fault_table.h"
#include "bench/kernels.h"
#include "host/kernel/boot_parameters.h"
#include "pcie/capability.h"
#include "pcie/config_space.h"
#include "pcie/error.h"
#include "sim/witness.h"

namespace holdover::bench {
namespace {

namespace config = pcie::config;

class LinkWalk {
 public:
  LinkWalk(pcie::Platform& platform, unsigned aspm) : platform_(platform), aspm_(aspm) {}

  // All root ports.
  void run() {
    for (const pcie::Bdf root : bridges_on(0)) {
      const unsigned first = last_;
      payload_ = kLargestPayload;
      walk_bridge(root, Step::Look);
      last_ = first;
      walk_bridge(root, Step::Set);
    }
  }

 private:
  enum class Step { Look, Set };
  static constexpr unsigned kLargestPayload = 5;

  [[nodiscard]] std::vector<pcie::Bdf> bridges_on(unsigned bus) {
    std::vector<pcie::Bdf> bridges;
    for (unsigned device = 0; device < 32; ++device) {
      const pcie::Bdf bdf{0, static_cast<std::uint8_t>(bus), static_cast<std::uint8_t>(device), 0};
      if (is_bridge(bdf)) bridges.push_back(bdf);
    }
    return bridges;
  }

  // Bridges are numbered in the order in which a kernel numbers them: no endpoint sees its number change.
  void walk_bridge(pcie::Bdf bridge, Step step) {
    const unsigned secondary = ++last_;
    const unsigned all = sim::kPlatformMap.last_bus;
    platform_.config_write(bridge, Bytes{config::kPrimaryBus}, 4, all << 16 | secondary << 8 | bridge.bus);
    payload(bridge, step);
    const pcie::Bdf below{0, static_cast<std::uint8_t>(secondary), 0, 0};
    if (port_type(bridge) == config::kPortTypeSwitchUpstream) {
      for (const pcie::Bdf port : bridges_on(secondary)) walk_bridge(port, step);
    } else if (link_is_up(bridge)) {
      if (step == Step::Set) enable(bridge, below);
      if (is_bridge(below)) {
        walk_bridge(below, step);
      } else {
        payload(below, step);
      }
    }
    platform_.config_write(bridge, Bytes{config::kPrimaryBus}, 4, 0);
  }

  void payload(pcie::Bdf function, Step step) {
    if (step == Step::Look) {
      payload_ = std::min(payload_, read(function, express(function) + config::kExpressDeviceCapabilities) & 7);
      return;
    }
    const Bytes offset{express(function) + config::kExpressDeviceControl};
    const std::uint32_t control =
        platform_.config_read(function, offset, 2) & ~std::uint32_t{config::kDeviceControlMaxPayload};
    platform_.config_write(function, offset, 2, control | payload_ << 5);
  }

  // The end above first (PCIe 5.0, 5.4.1.3).
  void enable(pcie::Bdf above, pcie::Bdf below) {
    const unsigned both = aspm_ & supported(above) & supported(below);
    for (const pcie::Bdf end : {above, below}) {
      const Bytes offset{express(end) + config::kExpressLinkControl};
      const std::uint32_t control = platform_.config_read(end, offset, 2) & ~std::uint32_t{config::kLinkControlAspm};
      platform_.config_write(end, offset, 2, control | config::kLinkControlCommonClock | both);
    }
  }

  [[nodiscard]] std::uint32_t read(pcie::Bdf function, unsigned offset) {
    return platform_.config_read(function, Bytes{offset}, 4);
  }
  [[nodiscard]] unsigned express(pcie::Bdf function) {
    const auto found =
        pcie::find_capability([&](unsigned offset) { return read(function, offset); }, config::kCapExpress);
    HOLDOVER_CHECK(found.has_value());
    return *found;
  }
  [[nodiscard]] bool is_bridge(pcie::Bdf function) {
    if ((read(function, config::kVendorId) & 0xffff) == 0xffff) return false;
    return (read(function, config::kHeaderType & 0xffcu) >> 16 & 0x7f) == 1;
  }
  [[nodiscard]] unsigned port_type(pcie::Bdf bridge) { return read(bridge, express(bridge)) >> 20 & 0xf; }
  [[nodiscard]] bool link_is_up(pcie::Bdf port) {
    constexpr std::uint32_t kActive = 1u << 29;
    return (read(port, express(port) + config::kExpressLinkControl) & kActive) != 0;
  }
  [[nodiscard]] unsigned supported(pcie::Bdf end) {
    return read(end, express(end) + config::kExpressLinkCapabilities) >> 10 & 3;
  }

  pcie::Platform& platform_;
  unsigned aspm_;
  unsigned last_ = 0;  // bus number
  std::uint32_t payload_ = kLargestPayload;
};

}  // namespace

std::string kernel_command_line(const RunOptions& options, const std::vector<std::string>& hazards) {
  constexpr std::uint64_t kMicrosecond = 1'000'000;
  const auto microseconds = [](Time time) { return std::to_string(time.count() / kMicrosecond); };
  const std::vector<KernelChoice> all = kernels(options);
  std::string line = "profile=" + all.front().profile;
  for (const std::string& policy : all.front().policies) line += " policy=" + policy;
  if (options.jump != Jump::None) {
    for (std::size_t index = 1; index < all.size(); ++index) line += " next=" + to_string(all[index]);
  }
  constexpr unsigned kCrashPages = 256;
  if (options.jump == Jump::Crash) line += " crashkernel=" + std::to_string(kCrashPages);
  line += " scenario=" + options.scenario + " seed=" + std::to_string(options.seed) +
          " jump=" + std::string(to_string(options.jump)) + " before_us=" + microseconds(options.before) +
          " after_us=" + microseconds(options.after) + " blackout_us=" + microseconds(options.blackout);
  constexpr std::uint64_t kNanosecond = 1000;
  if (interrupts_at_freeze(options) == InterruptsAtFreeze::Off) line += " interrupts_at_freeze=off";
  if (!options.bulk.empty()) line += " bulk=" + options.bulk;
  if (options.transfer != 0) line += " transfer=" + std::to_string(options.transfer);
  line += " heartbeat_ns=" + std::to_string(options.heartbeat.count() / kNanosecond) + " completion_timeout_ns=" +
          std::to_string(machine_config(options).endpoint.completion_timeout.count() / kNanosecond);
  if (options.finish == FinishOrder::AfterPreserve) line += " finish=after-preserve";
  for (const std::string& hazard : hazards) line += " hazard=" + hazard;
  if (const std::string name = select_faults(options.faults).interference; !name.empty())
    line += " interference=" + name;
  return line;
}

void write_cold_boot(std::span<std::byte> dram, const std::string& command_line) {
  const sim::PlatformMap& map = sim::kPlatformMap;
  host::kernel::BootParameters parameters;
  if (command_line.size() >= parameters.command_line.size()) {
    throw Error{ErrorCode::InvalidArgument,
                "the kernel's command line has " + std::to_string(command_line.size()) + " characters and may have " +
                    std::to_string(parameters.command_line.size() - 1) + "; ask for fewer kernels, policies or faults"};
  }
  parameters.dram_bytes = dram.size();
  parameters.ecam_base = map.ecam.raw();
  parameters.last_bus = map.last_bus;
  parameters.window32_base = map.window32.raw();
  parameters.window32_bytes = map.window32_size.count();
  parameters.window64_base = map.window64.raw();
  parameters.window64_bytes = map.window64_size.count();
  parameters.iommu_base = map.iommu.raw();
  parameters.interrupt_controller_base = map.interrupt_controller.raw();
  parameters.msi_base = map.msi_window.raw();
  std::copy(command_line.begin(), command_line.end(), parameters.command_line.begin());
  host::kernel::write_boot_parameters(dram, kColdBootParameters, parameters);
}

void set_up_links(pcie::Platform& platform, unsigned aspm) { LinkWalk{platform, aspm}.run(); }

}  // namespace holdover::bench
