// SPDX-License-Identifier: MIT
// The interrupt remapping table of a VT-d unit: 256 entries in one page of DRAM. A message names an entry, the entry
// names the vector and the only function that may use it (VT-d 3.0, 5.1 and 9.10).
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>

#include "host/kernel/iommu/vtd_registers.h"
#include "host/kernel/mm/page_allocator.h"
#include "pcie/bdf.h"
#include "pcie/platform.h"
#include "pcie/units.h"
#include "pcie/vtd.h"

namespace holdover::host::kernel {

class InterruptRemapping {
 public:
  static constexpr unsigned kEntries = 256;

  // Both outlive it. Touches nothing.
  InterruptRemapping(pcie::Platform& platform, PageAllocator& pages, BusAddress registers)
      : unit_(platform, registers), pages_(pages) {}

  // A new empty table; remapping that was found on is switched off first. Throws Panic where there is no memory.
  void reset();
  // Goes on with the table that was handed over: remapping is never off, entries in use stay until their function has
  // new ones. The page is PageState::PageTable already. Throws Panic where the unit uses another table.
  void adopt(PhysicalAddress table);
  // Goes on with a copy of the table that a kernel left behind when it panicked (kdump). Throws Panic where there is no
  // memory.
  void copy();
  [[nodiscard]] bool enabled() const { return unit_.status(pcie::vtd::kRemappingEnable); }
  [[nodiscard]] PhysicalAddress table() const { return table_; }

  // An entry that leads messages of `function` to `vector`. Nothing where all are in use.
  [[nodiscard]] std::optional<std::uint16_t> allocate(pcie::Bdf function, std::uint8_t vector);
  void free(std::uint16_t index);
  // Entries of the old kernel for this function: its messages name new ones from now on.
  void drop_incoming(pcie::Bdf function);

 private:
  void load();
  [[nodiscard]] std::uint64_t low(unsigned index) const;
  void write(unsigned index, std::uint64_t low, std::uint64_t high);

  VtdRegisters unit_;
  PageAllocator& pages_;
  PhysicalAddress table_;
  std::bitset<kEntries> ours_;  // allocated by this kernel
};

}  // namespace holdover::host::kernel
