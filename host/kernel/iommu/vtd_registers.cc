// SPDX-License-Identifier: MIT
#include "host/kernel/iommu/vtd_registers.h"

#include "host/kernel/panic.h"
#include "pcie/vtd.h"

namespace holdover::host::kernel {
namespace {

using namespace pcie::vtd;

// Global Status bits that are one-shot in Global Command: not to be written back.
constexpr std::uint32_t kPersistentStatus = 0x96ff'ffff;
constexpr unsigned kMostPolls = 100'000;

}  // namespace

std::uint32_t VtdRegisters::read32(unsigned offset) const {
  return static_cast<std::uint32_t>(platform_.mmio_read(base_ + Bytes{offset}, 4));
}

void VtdRegisters::write32(unsigned offset, std::uint32_t value) const {
  platform_.mmio_write(base_ + Bytes{offset}, 4, value);
}

std::uint64_t VtdRegisters::read64(unsigned offset) const { return platform_.mmio_read(base_ + Bytes{offset}, 8); }

void VtdRegisters::write64(unsigned offset, std::uint64_t value) const {
  platform_.mmio_write(base_ + Bytes{offset}, 8, value);
}

bool VtdRegisters::status(std::uint32_t bit) const { return (read32(kGlobalStatus) & bit) != 0; }

void VtdRegisters::command(std::uint32_t bit, bool set) const {
  const std::uint32_t status_now = read32(kGlobalStatus) & kPersistentStatus;
  write32(kGlobalCommand, set ? status_now | bit : status_now & ~bit);
  for (unsigned poll = 0; poll < kMostPolls; ++poll) {
    if (status(bit) == set) return;
  }
  throw Panic("The IOMMU does not carry out a global command.");
}

}  // namespace holdover::host::kernel
