// SPDX-License-Identifier: MIT
// What the IOMMU core hands to the next kernel: the data of the FLB «iommu». All references are physical addresses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdover::host::kernel::iommu_abi {

inline constexpr std::string_view kCompatible = "iommu";
inline constexpr std::uint32_t kVersion = 2;

struct IommuSer {
  std::uint32_t version;
  std::uint32_t reserved;   // 0
  std::uint64_t registers;  // base of the unit's register set
  std::uint64_t root_table;
  std::uint64_t structure_pages;  // block chain of u64: root table and context tables
  std::uint64_t domains;          // block chain of DomainSer; 0: none
  std::uint64_t devices;          // block chain of DeviceSer; 0: none
  std::uint64_t remapping_table;  // of interrupts, one of structure_pages; 0: none
};
static_assert(sizeof(IommuSer) == 56 && offsetof(IommuSer, remapping_table) == 48);

struct DomainSer {
  std::uint32_t in_use;  // 1; 0: free slot
  std::uint16_t domain_id;
  std::uint16_t levels;       // 4
  std::uint64_t root;         // top-level table
  std::uint64_t table_pages;  // block chain of u64: every page of the tables, root first
};
static_assert(sizeof(DomainSer) == 24);

struct DeviceSer {
  std::uint32_t segment;
  std::uint16_t bdf;
  std::uint16_t domain_id;  // of the domain it is attached to; 0: free slot
};
static_assert(sizeof(DeviceSer) == 8);

}  // namespace holdover::host::kernel::iommu_abi
