// SPDX-License-Identifier: MIT
// The PCI core's table as the series at v3 hands it over: an array for as many functions as were present when the first
// file was preserved, sorted ascending by domain << 16 | bdf. Contract between kernels: FLB string «pci-v1».
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdover::host::kernel::pci_v3 {

inline constexpr std::string_view kCompatible = "pci-v1";

struct [[gnu::packed]] PciSer {
  std::uint64_t max_nr_devices;  // room in the array
  std::uint64_t nr_devices;      // entries in use: the first ones
  // PciDevSer devices[max_nr_devices];
};
static_assert(sizeof(PciSer) == 16 && offsetof(PciSer, nr_devices) == 8);

struct [[gnu::packed]] PciDevSer {
  std::uint32_t domain;
  std::uint16_t bdf;       // bus << 8 | device << 3 | function
  std::uint16_t reserved;  // 0
};
static_assert(sizeof(PciDevSer) == 8 && offsetof(PciDevSer, bdf) == 4 && offsetof(PciDevSer, reserved) == 6);
static_assert(sizeof(PciSer) % 8 == 0, "every entry is naturally aligned");

}  // namespace holdover::host::kernel::pci_v3
