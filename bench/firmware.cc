// SPDX-License-Identifier: MIT
#include "bench/firmware.h"

#include <algorithm>

#include "host/kernel/boot_parameters.h"
#include "pcie/error.h"
#include "sim/witness.h"

namespace holdover::bench {

std::string kernel_command_line(const RunOptions& options, const std::vector<std::string>& hazards) {
  constexpr std::uint64_t kMicrosecond = 1'000'000;
  const auto microseconds = [](Time time) { return std::to_string(time.count() / kMicrosecond); };
  std::string line =
      "profile=" + options.profile + " scenario=" + options.scenario + " seed=" + std::to_string(options.seed) +
      " jump=" + (options.jump == Jump::None ? "none" : "kexec") + " before_us=" + microseconds(options.before) +
      " after_us=" + microseconds(options.after) + " blackout_us=" + microseconds(options.blackout);
  constexpr std::uint64_t kNanosecond = 1000;
  if (!options.bulk.empty()) line += " bulk=" + options.bulk;
  if (options.transfer != 0) line += " transfer=" + std::to_string(options.transfer);
  line += " heartbeat_ns=" + std::to_string(options.heartbeat.count() / kNanosecond) + " completion_timeout_ns=" +
          std::to_string(machine_config(options).endpoint.completion_timeout.count() / kNanosecond);
  for (const std::string& hazard : hazards) line += " hazard=" + hazard;
  return line;
}

void write_cold_boot(std::span<std::byte> dram, const std::string& command_line) {
  const sim::PlatformMap& map = sim::kPlatformMap;
  host::kernel::BootParameters parameters;
  if (command_line.size() >= parameters.command_line.size()) {
    throw Error{ErrorCode::InvalidArgument,
                "the kernel's command line has " + std::to_string(command_line.size()) + " characters and may have " +
                    std::to_string(parameters.command_line.size() - 1) + "; ask for fewer faults at once"};
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

}  // namespace holdover::bench
