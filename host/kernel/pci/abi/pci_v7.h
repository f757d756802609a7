// SPDX-License-Identifier: MIT
// The PCI core's table as the series at v7 hands it over: a chain of KHO blocks, without a maximum and without a
// version. Contract between kernels. FLB string: «pci-v2» at the end of v7, the string of v4 and v5, whose layout is
// another: a kernel of one takes the other's table for its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdover::host::kernel::pci_v7 {

inline constexpr std::string_view kCompatible = "pci-v2";

struct [[gnu::packed]] PciSer {
  std::uint32_t nr_devices;  // entries with refcount > 0
  std::uint64_t devices;     // first block (kho/abi.h), 0: none
};
static_assert(sizeof(PciSer) == 12 && offsetof(PciSer, devices) == 4);

struct [[gnu::packed]] PciDevSer {
  std::uint32_t domain;
  std::uint16_t bdf;       // bus << 8 | device << 3 | function
  std::uint16_t refcount;  // endpoint 1; bridge: preserved endpoints below it; 0: free slot
};
static_assert(sizeof(PciDevSer) == 8 && offsetof(PciDevSer, bdf) == 4 && offsetof(PciDevSer, refcount) == 6);

}  // namespace holdover::host::kernel::pci_v7
