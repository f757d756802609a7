// SPDX-License-Identifier: MIT
#include "host/kernel/irq/interrupt_remapping.h"

#include <algorithm>
#include <cstring>

#include "host/kernel/panic.h"

namespace holdover::host::kernel {
namespace {

using namespace pcie::vtd;

constexpr std::uint64_t kTableAddress = 0xffff'ffff'ffff'f000;
constexpr std::uint64_t kSize = 7;  // 2^(7+1) entries

// Entry: low word vector and presence (destination 0, fixed, edge), high word the source and how it is compared.
constexpr unsigned kVectorShift = 16;
constexpr std::uint64_t kVerifyRequester = std::uint64_t{1} << 18;

}  // namespace

void InterruptRemapping::reset() {
  if (enabled()) unit_.command(kRemappingEnable, false);
  const std::optional<PhysicalAddress> page = pages_.allocate(1, PageState::PageTable);
  if (!page) throw Panic("There is no memory for the interrupt remapping table.");
  table_ = *page;
  load();
}

void InterruptRemapping::adopt(PhysicalAddress table) {
  table_ = table;
  if (!enabled()) {
    load();
  } else if ((unit_.read64(kRemapTableAddress) & kTableAddress) != table_.raw()) {
    throw Panic("Interrupts are remapped with another table than the one that was handed over.");
  }
}

void InterruptRemapping::copy() {
  const PhysicalAddress old{unit_.read64(kRemapTableAddress) & kTableAddress};
  const std::optional<PhysicalAddress> table = pages_.allocate(1, PageState::PageTable);
  if (!table) throw Panic("There is no memory to copy the interrupt remapping table of the old kernel.");
  table_ = *table;
  if (old.raw() != 0 && old.raw() < pages_.dram().size()) {
    std::ranges::copy(pages_.bytes(old, kPageSize), pages_.bytes(table_, kPageSize).begin());
  }
  load();
}

void InterruptRemapping::load() {
  unit_.write64(kRemapTableAddress, table_.raw() | kSize);
  unit_.command(kSetRemapTable, true);
  unit_.command(kRemappingEnable, true);
}

std::optional<std::uint16_t> InterruptRemapping::allocate(pcie::Bdf function, std::uint8_t vector) {
  for (unsigned index = 0; index < kEntries; ++index) {
    if ((low(index) & kPresent) != 0) continue;
    write(index, std::uint64_t{vector} << kVectorShift | kPresent, kVerifyRequester | function.requester_id());
    ours_.set(index);
    return static_cast<std::uint16_t>(index);
  }
  return std::nullopt;
}

void InterruptRemapping::free(std::uint16_t index) {
  write(index, 0, 0);
  ours_.reset(index);
}

void InterruptRemapping::drop_incoming(pcie::Bdf function) {
  for (unsigned index = 0; index < kEntries; ++index) {
    if (ours_[index] || (low(index) & kPresent) == 0) continue;
    std::uint64_t high = 0;
    std::memcpy(&high, pages_.bytes(table_ + Bytes{16} * index + Bytes{8}, Bytes{8}).data(), sizeof high);
    if (static_cast<std::uint16_t>(high) == function.requester_id()) write(index, 0, 0);
  }
}

std::uint64_t InterruptRemapping::low(unsigned index) const {
  std::uint64_t value = 0;
  std::memcpy(&value, pages_.bytes(table_ + Bytes{16} * index, Bytes{8}).data(), sizeof value);
  return value;
}

// Present last on the way in and first on the way out: the unit may look at any moment.
void InterruptRemapping::write(unsigned index, std::uint64_t low, std::uint64_t high) {
  const auto put = [&](unsigned word, std::uint64_t value) {
    std::memcpy(pages_.bytes(table_ + Bytes{16} * index + Bytes{8} * word, Bytes{8}).data(), &value, sizeof value);
  };
  if (low == 0) put(0, 0);
  put(1, high);
  put(0, low);
}

}  // namespace holdover::host::kernel
