// SPDX-License-Identifier: MIT
// Second-level page tables of VT-d as they lie in DRAM: four levels, 4 KiB pages, 48 bits (VT-d 3.0, 9.8).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "pcie/units.h"

namespace holdover::host::kernel::second_level {

inline constexpr unsigned kLevels = 4;
inline constexpr unsigned kEntries = 512;
inline constexpr unsigned kAddressBits = 48;
inline constexpr std::uint64_t kRead = 1u << 0;
inline constexpr std::uint64_t kWrite = 1u << 1;
inline constexpr std::uint64_t kAddressMask = 0x000f'ffff'ffff'f000;

[[nodiscard]] constexpr bool present(std::uint64_t entry) { return (entry & (kRead | kWrite)) != 0; }
// Index into the table of `level` (1: the table that holds the pages).
[[nodiscard]] constexpr unsigned index(Iova iova, unsigned level) {
  return static_cast<unsigned>((iova.raw() >> (12 + 9 * (level - 1))) & (kEntries - 1));
}

// Entry `index` of a table; contract: the table lies in DRAM.
[[nodiscard]] std::uint64_t read_entry(std::span<const std::byte> dram, PhysicalAddress table, unsigned index);
void write_entry(std::span<std::byte> dram, PhysicalAddress table, unsigned index, std::uint64_t value);

// The table below an entry; nothing where the entry is not present or points outside DRAM.
[[nodiscard]] std::optional<PhysicalAddress> next_table(std::span<const std::byte> dram, PhysicalAddress table,
                                                        unsigned index);
// The leaf entry that maps `iova`, 0 where a table on the way is missing.
[[nodiscard]] std::uint64_t leaf_entry(std::span<const std::byte> dram, PhysicalAddress root, Iova iova);
// Every page of the tables: root first, then level by level, ascending IOVA.
[[nodiscard]] std::vector<PhysicalAddress> tables(std::span<const std::byte> dram, PhysicalAddress root);

}  // namespace holdover::host::kernel::second_level
