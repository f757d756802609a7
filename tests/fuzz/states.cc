// SPDX-License-Identifier: MIT
// What is read as one struct with a checksum. Odd variants get a checksum that fits, or nothing behind it was reached.
#include <cstring>
#include <string>
#include <vector>

#include "host/agent/agent_state.h"
#include "host/driver/driver_state.h"
#include "host/kernel/boot_parameters.h"
#include "host/kernel/kho/dram_value.h"
#include "pcie/command_line.h"
#include "pcie/error.h"
#include "tests/fuzz/damage.h"
#include "tests/fuzz/target.h"

namespace holdover::fuzz {
namespace {

constexpr std::uint64_t kPage = kPageSize.count();
constexpr PhysicalAddress kWhere{kPage};

// False where `read` refuses the bytes: with Error{Corrupt} and a sentence.
template <typename Read>
bool accepted(Read read) {
  try {
    read();
  } catch (const Error& error) {
    require(error.code() == ErrorCode::Corrupt && std::string(error.what()).size() > 20, "a refusal names its reason");
    return false;
  }
  return true;
}

bool fits(std::uint64_t first, std::uint64_t size, std::uint64_t dram) {
  return first == 0 || (first % kPage == 0 && first < dram && size <= dram - first);
}

}  // namespace

void run_boot_parameters(std::span<const std::uint8_t> input) {
  using namespace host::kernel;
  std::vector<std::byte> dram(16 * kPage);
  BootParameters valid;
  valid.dram_bytes = dram.size();
  valid.kho_fdt = 4 * kPage;
  valid.kho_scratch = 8 * kPage;
  valid.kho_scratch_bytes = 4 * kPage;
  valid.page_map = 12 * kPage;
  std::memcpy(valid.command_line.data(), "profile=continuous hazard=H001 hazard=H002", 43);
  write_boot_parameters(dram, kWhere, valid);
  damage(dram, {{kWhere}, PhysicalAddress{0}}, input);
  if (variant_of(input, 2) == 1) {
    const auto damaged = load<BootParameters>(dram, kWhere.raw());
    write_boot_parameters(dram, kWhere, damaged);
  }
  BootParameters read;
  if (!accepted([&] { read = read_boot_parameters(dram, kWhere); })) return;
  require(read.dram_bytes <= dram.size() && read.last_bus <= 255, "sizes fit the memory");
  require(fits(read.kho_fdt, kPage, read.dram_bytes) && fits(read.page_map, kPage, read.dram_bytes) &&
              fits(read.kho_scratch, read.kho_scratch_bytes, read.dram_bytes),
          "addresses lie in DRAM");
  const auto hazards = command_line_values(command_line(read), "hazard");
  require(command_line_value(command_line(read), "hazard") == (hazards.empty() ? "" : hazards.front()),
          "the first of all values");
  write_boot_parameters(dram, kWhere, read);
  const BootParameters again = read_boot_parameters(dram, kWhere);
  require(std::memcmp(again.command_line.data(), read.command_line.data(), read.command_line.size()) == 0 &&
              again.kho_scratch == read.kho_scratch,
          "what was written reads the same");
}

void run_agent_state(std::span<const std::uint8_t> input) {
  using namespace host;
  std::vector<std::byte> memory(kStateMemoryBytes.count());
  write_agent_state(memory, 2);
  damage(memory, {{kWhere}, PhysicalAddress{0}}, input);
  if (variant_of(input, 2) == 1) {
    auto state = kernel::load<AgentState>(memory, kWhere.raw());
    state.checksum = 0;
    state.checksum = checksum64(std::as_bytes(std::span(&state, 1)));
    kernel::store(memory, kWhere.raw(), state);
  }
  AgentState read{};
  if (!accepted([&] { read = read_agent_state(memory); })) return;
  require(read.magic == kAgentStateMagic && read.version == kAgentStateVersion, "magic and version are known");
}

void run_driver_state(std::span<const std::uint8_t> input) {
  using namespace host;
  std::vector<std::byte> memory(kPage);
  DriverState valid{};
  valid.vectors = 2;
  valid.regions[0] = {0x10000, 0x4000};
  valid.regions[1] = {0x20000, 0x1000};
  for (unsigned channel = 0; channel < 2; ++channel) {
    valid.channels[channel] = {1, 1, 16, 7, channel, 0, {0, 0x400 * channel}, {0, 0x2000 + 0x400 * channel}, 4, 2};
  }
  valid.writer = {1, 16, {1, 0}, 100, 0, 4, 0};
  write_driver_state(memory, valid);
  damage(memory, {{PhysicalAddress{0}}, PhysicalAddress{0}}, input);
  if (variant_of(input, 2) == 1) {
    auto state = kernel::load<DriverState>(memory, 0);
    state.checksum = 0;
    state.checksum = checksum64(std::as_bytes(std::span(&state, 1)));
    kernel::store(memory, 0, state);
  }
  DriverState read{};
  if (!accepted([&] { read = read_driver_state(memory); })) return;
  require(read.magic == kDriverStateMagic && read.version == kDriverStateVersion, "magic and version are known");
  for (const ChannelState& channel : read.channels) {
    if (channel.entries == 0) continue;
    for (const DmaPlace& place : {channel.descriptors, channel.completions}) {
      require(place.region < kMaxRegions && place.offset <= read.regions[place.region].bytes, "places lie in regions");
    }
  }
}

}  // namespace holdover::fuzz
