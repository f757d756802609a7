// SPDX-License-Identifier: MIT
#include "host/kernel/pci/liveupdate_abi.h"

#include <array>
#include <set>

#include "host/kernel/kho/decode.h"
#include "host/kernel/kho/dram_value.h"
#include "host/kernel/pci/abi/pci_v3.h"
#include "host/kernel/pci/abi/pci_v4.h"
#include "host/kernel/pci/abi/pci_v7.h"
#include "host/kernel/pci/abi/pci_v8.h"

namespace holdover::host::kernel {
namespace {

using Dram = std::span<const std::byte>;

static_assert(sizeof(pci_v3::PciDevSer) == kPciEntryBytes && sizeof(pci_v4::PciDevSer) == kPciEntryBytes &&
              sizeof(pci_v7::PciDevSer) == kPciEntryBytes && sizeof(pci_v8::PciDevSer) == kPciEntryBytes);

struct NamedLayout {
  std::string_view flb;
  PciLayout layout;
};
constexpr std::array kLayouts{NamedLayout{pci_v8::kCompatible, PciLayout::VersionedBlocks},
                              NamedLayout{pci_v7::kCompatible, PciLayout::Blocks},
                              NamedLayout{pci_v4::kCompatible, PciLayout::CountedArray},
                              NamedLayout{pci_v4::kCompatibleV6, PciLayout::CountedArray},
                              NamedLayout{pci_v3::kCompatible, PciLayout::SortedArray}};

std::nullopt_t fail(std::string* why, const char* reason) {
  if (why != nullptr) *why = reason;
  return std::nullopt;
}

// The layouts have the place of domain and bdf in common; only v3 has no count behind them.
PciTableEntry entry_at(Dram dram, std::size_t offset, bool counted) {
  const auto entry = load<pci_v4::PciDevSer>(dram, offset);
  return {entry.domain, entry.bdf, counted ? entry.refcount : std::uint16_t{1}, offset};
}

std::optional<PciTable> read_array(Dram dram, PhysicalAddress address, std::uint64_t room, std::uint64_t used,
                                   PciLayout layout, std::string* why) {
  const bool sorted = layout == PciLayout::SortedArray;
  const std::uint64_t header = pci_header_bytes(layout);
  if (room > dram.size() / kPciEntryBytes || !in_dram(dram, address, header + room * kPciEntryBytes)) {
    return fail(why, "the array of PCI devices leaves DRAM");
  }
  if (sorted && used > room) return fail(why, "more PCI devices are in use than the table has room for");
  PciTable table{used, header + room * kPciEntryBytes, PhysicalAddress{0}, {}};
  for (std::uint64_t slot = 0; slot < (sorted ? used : room); ++slot) {
    const PciTableEntry entry = entry_at(dram, address.raw() + header + slot * kPciEntryBytes, !sorted);
    if (entry.refcount != 0) table.entries.push_back(entry);
  }
  return table;
}

std::optional<PciTable> read_blocks(Dram dram, std::uint64_t used, std::uint64_t first, PciLayout layout,
                                    std::string* why) {
  const auto chain = decode_blocks(dram, PhysicalAddress{first}, kPciEntryBytes);
  if (!chain) return fail(why, "the chain of PCI device blocks is broken");
  PciTable table{used, pci_header_bytes(layout), PhysicalAddress{first}, {}};
  for (const std::size_t offset : chain->entries) {
    const PciTableEntry entry = entry_at(dram, offset, true);
    if (entry.refcount != 0) table.entries.push_back(entry);
  }
  return table;
}

}  // namespace

std::uint64_t pci_header_bytes(PciLayout layout) {
  switch (layout) {
    case PciLayout::SortedArray:
      return sizeof(pci_v3::PciSer);
    case PciLayout::CountedArray:
      return sizeof(pci_v4::PciSer);
    case PciLayout::Blocks:
      return sizeof(pci_v7::PciSer);
    case PciLayout::VersionedBlocks:
      break;
  }
  return sizeof(pci_v8::PciSer);
}

std::uint64_t pci_nr_devices_offset(PciLayout layout) {
  switch (layout) {
    case PciLayout::SortedArray:
      return offsetof(pci_v3::PciSer, nr_devices);
    case PciLayout::CountedArray:
      return offsetof(pci_v4::PciSer, nr_devices);
    case PciLayout::Blocks:
      return offsetof(pci_v7::PciSer, nr_devices);
    case PciLayout::VersionedBlocks:
      break;
  }
  return offsetof(pci_v8::PciSer, nr_devices);
}

void store_pci_nr_devices(std::span<std::byte> dram, PhysicalAddress table, PciLayout layout, std::uint64_t count) {
  const std::uint64_t where = table.raw() + pci_nr_devices_offset(layout);
  if (layout == PciLayout::SortedArray) {
    store(dram, where, count);
  } else {
    store(dram, where, static_cast<std::uint32_t>(count));
  }
}

std::optional<std::uint32_t> pci_table_version(Dram dram, PhysicalAddress address) {
  if (!in_dram(dram, address, sizeof(pci_v8::PciSer))) return std::nullopt;
  return load<std::uint32_t>(dram, address.raw() + offsetof(pci_v8::PciSer, version));
}

std::optional<PciTable> read_pci_table(Dram dram, PhysicalAddress address, PciLayout layout, std::string* why) {
  if (!in_dram(dram, address, pci_header_bytes(layout))) return fail(why, "the PCI table lies outside DRAM");
  switch (layout) {
    case PciLayout::SortedArray: {
      const auto header = load<pci_v3::PciSer>(dram, address.raw());
      return read_array(dram, address, header.max_nr_devices, header.nr_devices, layout, why);
    }
    case PciLayout::CountedArray: {
      const auto header = load<pci_v4::PciSer>(dram, address.raw());
      return read_array(dram, address, header.max_nr_devices, header.nr_devices, layout, why);
    }
    case PciLayout::Blocks: {
      const auto header = load<pci_v7::PciSer>(dram, address.raw());
      return read_blocks(dram, header.nr_devices, header.devices, layout, why);
    }
    case PciLayout::VersionedBlocks:
      break;
  }
  const auto header = load<pci_v8::PciSer>(dram, address.raw());
  if (header.version != pci_v8::kVersion) return fail(why, "the PCI table has another version");
  return read_blocks(dram, header.nr_devices, header.devices, layout, why);
}

std::optional<std::vector<HandedPciDevice>> decode_pci_table(Dram dram, PhysicalAddress address, PciLayout layout,
                                                             std::string* why) {
  const auto table = read_pci_table(dram, address, layout, why);
  if (!table) return std::nullopt;
  std::vector<HandedPciDevice> devices;
  std::set<std::uint64_t> seen;
  for (const PciTableEntry& entry : table->entries) {
    if (entry.domain > 0xffff) return fail(why, "a PCI device lies in a domain that does not exist");
    if (layout == PciLayout::SortedArray && !seen.empty() && entry.key() < *seen.rbegin()) {
      return fail(why, "the PCI table is not sorted");
    }
    if (!seen.insert(entry.key()).second) return fail(why, "a PCI device is in the table twice");
    devices.push_back(
        {pcie::Bdf::from_requester_id(entry.bdf, static_cast<std::uint16_t>(entry.domain)), entry.refcount});
  }
  if (devices.size() != table->nr_devices) {
    return fail(why, "the PCI table holds another number of devices than it says");
  }
  return devices;
}

bool is_pci_table(std::string_view flb) {
  for (const NamedLayout& named : kLayouts) {
    if (named.flb == flb) return true;
  }
  return false;
}

std::optional<std::vector<HandedPciDevice>> decode_pci_table(Dram dram, PhysicalAddress address, std::string_view flb,
                                                             std::string* why) {
  for (const NamedLayout& named : kLayouts) {
    if (named.flb != flb) continue;
    if (auto devices = decode_pci_table(dram, address, named.layout, why)) return devices;
  }
  return std::nullopt;
}

}  // namespace holdover::host::kernel
