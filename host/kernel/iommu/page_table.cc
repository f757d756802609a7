// SPDX-License-Identifier: MIT
#include "host/kernel/iommu/page_table.h"

#include <cstring>

#include "pcie/error.h"

namespace holdover::host::kernel::second_level {

std::uint64_t read_entry(std::span<const std::byte> dram, PhysicalAddress table, unsigned index) {
  HOLDOVER_CHECK(index < kEntries && table.raw() + kPageSize.count() <= dram.size());
  std::uint64_t value = 0;
  std::memcpy(&value, dram.data() + table.raw() + std::size_t{8} * index, sizeof value);
  return value;
}

void write_entry(std::span<std::byte> dram, PhysicalAddress table, unsigned index, std::uint64_t value) {
  HOLDOVER_CHECK(index < kEntries && table.raw() + kPageSize.count() <= dram.size());
  std::memcpy(dram.data() + table.raw() + std::size_t{8} * index, &value, sizeof value);
}

std::optional<PhysicalAddress> next_table(std::span<const std::byte> dram, PhysicalAddress table, unsigned index) {
  const std::uint64_t entry = read_entry(dram, table, index);
  if (!present(entry)) return std::nullopt;
  const PhysicalAddress next{entry & kAddressMask};
  if (next.raw() >= dram.size() || dram.size() - next.raw() < kPageSize.count()) return std::nullopt;
  return next;
}

std::uint64_t leaf_entry(std::span<const std::byte> dram, PhysicalAddress root, Iova iova) {
  if ((iova.raw() >> kAddressBits) != 0) return 0;
  PhysicalAddress table = root;
  for (unsigned level = kLevels; level > 1; --level) {
    const std::optional<PhysicalAddress> next = next_table(dram, table, index(iova, level));
    if (!next) return 0;
    table = *next;
  }
  return read_entry(dram, table, index(iova, 1));
}

std::vector<PhysicalAddress> tables(std::span<const std::byte> dram, PhysicalAddress root) {
  std::vector<PhysicalAddress> found{root};
  std::size_t begin = 0;
  for (unsigned level = kLevels; level > 1; --level) {
    const std::size_t end = found.size();
    for (; begin < end; ++begin) {
      for (unsigned entry = 0; entry < kEntries; ++entry) {
        if (const std::optional<PhysicalAddress> next = next_table(dram, found[begin], entry)) found.push_back(*next);
      }
    }
  }
  return found;
}

}  // namespace holdover::host::kernel::second_level
