// SPDX-License-Identifier: MIT
// The PCI core's table as the series at v8 and v9 hands it over: a chain of KHO blocks behind a version. Contract
// between kernels: the FLB string «pci» never changes; `version` does, and never moves or changes its size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "host/kernel/kho/abi.h"

namespace holdover::host::kernel::pci_v8 {

inline constexpr std::string_view kCompatible = "pci";
inline constexpr std::uint32_t kVersion = 1;

struct [[gnu::packed]] PciSer {
  std::uint32_t version;
  std::uint32_t nr_devices;  // entries with refcount > 0: endpoints and bridges, each once
  std::uint64_t devices;     // first block (kho/abi.h), 0: none
};
static_assert(sizeof(PciSer) == 16 && offsetof(PciSer, nr_devices) == 4 && offsetof(PciSer, devices) == 8);

struct [[gnu::packed]] PciDevSer {
  std::uint32_t domain;
  std::uint16_t bdf;       // bus << 8 | device << 3 | function
  std::uint16_t refcount;  // endpoint 1; bridge: preserved endpoints below it; 0: free slot
};
static_assert(sizeof(PciDevSer) == 8 && offsetof(PciDevSer, bdf) == 4 && offsetof(PciDevSer, refcount) == 6);
static_assert(kho_abi::block_capacity(sizeof(PciDevSer)) == 510);

}  // namespace holdover::host::kernel::pci_v8
