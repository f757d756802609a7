// SPDX-License-Identifier: MIT
// Reads what LUO handed over out of DRAM without a kernel. Bytes are not trusted: any content yields a value or
// nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pcie/units.h"

namespace holdover::host::kernel {

struct HandedFile {
  std::string compatible;
  std::uint64_t handle = 0;
  std::uint64_t token = 0;
};

struct HandedSession {
  std::string name;
  std::vector<HandedFile> files;  // in the order in which they were preserved
};

struct HandedFlb {
  std::string name;
  std::uint64_t data = 0;
  std::uint64_t count = 0;
};

struct HandedLiveUpdate {
  std::uint64_t number = 0;
  std::vector<HandedSession> sessions;  // in the order in which they were created
  std::vector<HandedFlb> flbs;
};

// From a KHO tree at `fdt`. Nothing where there is no readable tree, no «LUO» in it, or a broken structure. `why` says
// what.
[[nodiscard]] std::optional<HandedLiveUpdate> decode_live_update(std::span<const std::byte> dram, PhysicalAddress fdt,
                                                                 std::string* why = nullptr);
// Parts of it, from physical addresses; 0 is an empty list. Nothing for a broken structure.
[[nodiscard]] std::optional<std::vector<HandedSession>> decode_sessions(std::span<const std::byte> dram,
                                                                        PhysicalAddress sessions);
[[nodiscard]] std::optional<std::vector<HandedFlb>> decode_flbs(std::span<const std::byte> dram, PhysicalAddress flbs);

}  // namespace holdover::host::kernel
