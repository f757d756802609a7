// SPDX-License-Identifier: MIT
// The table that the PCI core hands to the next kernel, read out of DRAM: in every layout (abi/pci_v*.h), by a kernel
// and by the bench. The bytes are not trusted: any content yields a value or nothing, and no access leaves `dram`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host/kernel/pci/live_update_rules.h"
#include "pcie/bdf.h"
#include "pcie/units.h"

namespace holdover::host::kernel {

// An entry in use.
struct PciTableEntry {
  std::uint32_t domain = 0;
  std::uint16_t bdf = 0;
  std::uint16_t refcount = 0;  // 1 where the layout has none
  std::size_t offset = 0;      // in DRAM

  [[nodiscard]] std::uint64_t key() const { return std::uint64_t{domain} << 16 | bdf; }
};

struct PciTable {
  std::uint64_t nr_devices = 0;        // what the header says
  std::uint64_t bytes = 0;             // of header and array; of the header alone where entries lie in blocks
  PhysicalAddress blocks;              // first block of the chain, 0: none
  std::vector<PciTableEntry> entries;  // in table order
};

struct HandedPciDevice {
  pcie::Bdf bdf;
  unsigned refcount = 0;

  friend bool operator==(const HandedPciDevice&, const HandedPciDevice&) = default;
};

// Header fields of each layout.
inline constexpr std::uint64_t kPciEntryBytes = 8;
[[nodiscard]] std::uint64_t pci_header_bytes(PciLayout layout);
[[nodiscard]] std::uint64_t pci_nr_devices_offset(PciLayout layout);  // in the header
// Writes the field, in the width that the layout gives it.
void store_pci_nr_devices(std::span<std::byte> dram, PhysicalAddress table, PciLayout layout, std::uint64_t count);

// The table as far as its structure lets it be read, whatever the entries say. Nothing where it leaves DRAM, a chain is
// broken, more entries are in use than there is room for, or the version is another one. `why` says what.
[[nodiscard]] std::optional<PciTable> read_pci_table(std::span<const std::byte> dram, PhysicalAddress address,
                                                     PciLayout layout, std::string* why = nullptr);
// The version field of a table of layout VersionedBlocks; nothing outside DRAM.
[[nodiscard]] std::optional<std::uint32_t> pci_table_version(std::span<const std::byte> dram, PhysicalAddress address);

// Functions in the table, without free slots, in table order. Nothing where read_pci_table() has nothing, and for a
// domain above 65535, a function twice, a sorted array out of order, or a count that does not match.
[[nodiscard]] std::optional<std::vector<HandedPciDevice>> decode_pci_table(std::span<const std::byte> dram,
                                                                           PhysicalAddress address, PciLayout layout,
                                                                           std::string* why = nullptr);

// Whether an FLB of this name holds a PCI table of any version.
[[nodiscard]] bool is_pci_table(std::string_view flb);
// decode_pci_table() for the data of that FLB: where two versions share the string, in the layout in which it can be
// decoded.
[[nodiscard]] std::optional<std::vector<HandedPciDevice>> decode_pci_table(std::span<const std::byte> dram,
                                                                           PhysicalAddress address,
                                                                           std::string_view flb,
                                                                           std::string* why = nullptr);

}  // namespace holdover::host::kernel
