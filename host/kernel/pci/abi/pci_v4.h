// SPDX-License-Identifier: MIT
// The PCI core's table as the series at v4, v5 and v6 hands it over: a sparse array, in which a count of 0 is a free
// slot. Contract between kernels. FLB string: «pci-v2» at the end of v4 and v5, «pci-v3» at the end of v6; inside each
// series it is lower before the count replaces the padding, and (v6) before the count takes its meaning for bridges.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdover::host::kernel::pci_v4 {

inline constexpr std::string_view kCompatible = "pci-v2";    // v4, v5 (v5: assumed)
inline constexpr std::string_view kCompatibleV6 = "pci-v3";  // v6

struct [[gnu::packed]] PciSer {
  std::uint32_t max_nr_devices;  // slots
  std::uint32_t nr_devices;      // slots with refcount > 0
  // PciDevSer devices[max_nr_devices];
};
static_assert(sizeof(PciSer) == 8 && offsetof(PciSer, nr_devices) == 4);

struct [[gnu::packed]] PciDevSer {
  std::uint32_t domain;
  std::uint16_t bdf;       // bus << 8 | device << 3 | function
  std::uint16_t refcount;  // endpoint 1; bridge: preserved endpoints below it; 0: free slot
};
static_assert(sizeof(PciDevSer) == 8 && offsetof(PciDevSer, bdf) == 4 && offsetof(PciDevSer, refcount) == 6);
static_assert(sizeof(PciSer) % 8 == 0, "every entry is naturally aligned");

}  // namespace holdover::host::kernel::pci_v4
