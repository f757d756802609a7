// SPDX-License-Identifier: MIT
#include "host/kernel/pci/liveupdate_abi.h"

#include <set>

#include "host/kernel/kho/decode.h"
#include "host/kernel/kho/dram_value.h"

namespace holdover::host::kernel {

std::optional<std::vector<HandedPciDevice>> decode_pci_table(std::span<const std::byte> dram, PhysicalAddress table,
                                                             std::string* why) {
  const auto fail = [why](const char* reason) {
    if (why != nullptr) *why = reason;
    return std::nullopt;
  };
  if (!in_dram(dram, table, sizeof(pci_abi::PciSer))) return fail("the PCI table lies outside DRAM");
  const auto header = load<pci_abi::PciSer>(dram, table.raw());
  if (header.version != pci_abi::kVersion) return fail("the PCI table has another version");
  const auto chain = decode_blocks(dram, PhysicalAddress{header.devices}, sizeof(pci_abi::PciDevSer));
  if (!chain) return fail("the chain of PCI device blocks is broken");
  std::vector<HandedPciDevice> devices;
  std::set<pcie::Bdf> seen;
  for (const std::size_t offset : chain->entries) {
    const auto entry = load<pci_abi::PciDevSer>(dram, offset);
    if (entry.refcount == 0) continue;
    if (entry.domain > 0xffff) return fail("a PCI device lies in a domain that does not exist");
    const auto bdf = pcie::Bdf::from_requester_id(entry.bdf, static_cast<std::uint16_t>(entry.domain));
    if (!seen.insert(bdf).second) return fail("a PCI device is in the table twice");
    devices.push_back({bdf, entry.refcount});
  }
  if (devices.size() != header.nr_devices) return fail("the PCI table holds another number of devices than it says");
  return devices;
}

}  // namespace holdover::host::kernel
