// SPDX-License-Identifier: MIT
// What the PCI core hands to the next kernel (version 9 of the series): the data of the FLB «pci». Trusted by the next
// kernel, and validated as far as incompatibility or corruption must be told. The string never changes; `version` does,
// and never moves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pcie/bdf.h"
#include "pcie/units.h"

namespace holdover::host::kernel {

namespace pci_abi {

inline constexpr std::string_view kCompatible = "pci";
inline constexpr std::uint32_t kVersion = 1;

struct PciSer {
  std::uint32_t version;
  std::uint32_t nr_devices;  // entries with refcount > 0: endpoints and bridges, each once
  std::uint64_t devices;     // block chain of PciDevSer (kho/abi.h); 0: none
};
static_assert(sizeof(PciSer) == 16 && offsetof(PciSer, devices) == 8);

struct PciDevSer {
  std::uint32_t domain;
  std::uint16_t bdf;       // bus << 8 | device << 3 | function
  std::uint16_t refcount;  // endpoint 1; bridge: preserved endpoints below it; 0: free slot
};
static_assert(sizeof(PciDevSer) == 8 && offsetof(PciDevSer, refcount) == 6);

}  // namespace pci_abi

struct HandedPciDevice {
  pcie::Bdf bdf;
  unsigned refcount = 0;

  friend bool operator==(const HandedPciDevice&, const HandedPciDevice&) = default;
};

// Devices in the table whose PciSer lies at `table`, without free slots, in table order. Nothing for another version, a
// broken chain, a domain above 65535, a function twice, or a count that does not match. `why` says what. The bytes are
// not trusted.
[[nodiscard]] std::optional<std::vector<HandedPciDevice>> decode_pci_table(std::span<const std::byte> dram,
                                                                           PhysicalAddress table,
                                                                           std::string* why = nullptr);

}  // namespace holdover::host::kernel
