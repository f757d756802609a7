// SPDX-License-Identifier: MIT
// Reads a KHO tree out of DRAM without a kernel: what the next kernel does at boot, and what the bench does at the
// jump. The bytes are not trusted: any content yields a value or nothing, and no access leaves `dram`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pcie/units.h"

namespace holdover::host::kernel {

struct PreservedFolio {
  PhysicalAddress address;
  unsigned order = 0;  // 2^order pages, naturally aligned

  friend bool operator==(const PreservedFolio&, const PreservedFolio&) = default;
};

struct KhoSubtree {
  std::string name;
  PhysicalAddress data;
  Bytes size;
  bool well_formed = true;  // both properties are there, and the blob lies in DRAM
};

struct KhoTree {
  std::vector<PreservedFolio> folios;  // ascending by order, then address
  std::vector<PhysicalAddress>
      structure;                     // the FDT page and the radix tree's own pages: needed until they have been read
  std::vector<KhoSubtree> subtrees;  // in the order of the FDT
};

// Nothing where KHO would be disabled: header, compatible string, property, or a walk that leaves DRAM. `why` says
// what.
[[nodiscard]] std::optional<KhoTree> decode_kho(std::span<const std::byte> dram, PhysicalAddress fdt,
                                                std::string* why = nullptr);

// One flag per page of DRAM: true where the page belongs to a preserved folio or to the tree itself, and so must
// outlive the jump. Nothing as above.
[[nodiscard]] std::optional<std::vector<bool>> decode_preserved_pages(std::span<const std::byte> dram,
                                                                      PhysicalAddress fdt);

// Entries of a chain of serialization blocks, in order, as offsets in `dram`. Nothing for a cycle, an address outside
// DRAM, more than 10000 blocks, or a count that is 0 or above capacity. `first` 0 is an empty chain.
struct BlockChain {
  std::vector<PhysicalAddress> blocks;
  std::vector<std::size_t> entries;
};
[[nodiscard]] std::optional<BlockChain> decode_blocks(std::span<const std::byte> dram, PhysicalAddress first,
                                                      std::size_t entry_bytes);

}  // namespace holdover::host::kernel
