// SPDX-License-Identifier: MIT
// The one page that a kernel is entered with: written by firmware (the bench) at a cold boot and by the old kernel at a
// kexec. This layout is a contract between kernel images of different versions: fields are only ever added at the end,
// and `version` changes when one changes its meaning.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "pcie/units.h"

namespace holdover::host::kernel {

inline constexpr std::uint64_t kBootMagic = 0x544F'4F42'444C'4F48;  // «HOLDBOOT»
inline constexpr std::uint32_t kBootVersion = 3;

struct BootParameters {
  std::uint64_t magic = kBootMagic;
  std::uint32_t version = kBootVersion;
  std::uint32_t checksum = 0;  // CRC-32 of the page with this field 0
  std::uint64_t dram_bytes = 0;
  std::uint64_t ecam_base = 0;
  std::uint32_t last_bus = 0;
  std::uint32_t reserved = 0;
  std::uint64_t window32_base = 0;
  std::uint64_t window32_bytes = 0;
  std::uint64_t window64_base = 0;
  std::uint64_t window64_bytes = 0;
  std::uint64_t iommu_base = 0;
  std::uint64_t interrupt_controller_base = 0;
  std::uint64_t msi_base = 0;
  std::uint64_t kho_fdt = 0;      // 0: cold boot
  std::uint64_t kho_scratch = 0;  // base of the scratch region; 0: none yet, the kernel reserves one
  std::uint64_t kho_scratch_bytes = 0;
  std::uint64_t page_map = 0;  // written by the running kernel: its page map (mm/page_map.h); 0 until it stands
  std::array<char, 2048> command_line{};  // NUL-terminated, «name=value» separated by blanks
  // A crash kernel: all of DRAM that it may use; everything else belongs to the kernel that panicked. 0: any other
  // kernel.
  std::uint64_t crash_region = 0;
  std::uint64_t crash_region_bytes = 0;
};
static_assert(sizeof(BootParameters) <= 4096);

// Throws Error{Corrupt} with the field that is wrong: magic, version, checksum, or an address outside DRAM.
[[nodiscard]] BootParameters read_boot_parameters(std::span<const std::byte> dram, PhysicalAddress where);
// Writes with a fresh checksum; the rest of the page becomes 0.
void write_boot_parameters(std::span<std::byte> dram, PhysicalAddress where, const BootParameters& parameters);
// What stands in the page, up to its NUL.
[[nodiscard]] std::string_view command_line(const BootParameters& parameters);

}  // namespace holdover::host::kernel
