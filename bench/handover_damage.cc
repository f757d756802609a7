// SPDX-License-Identifier: MIT
#include "bench/handover_damage.h"

#include <array>
#include <optional>

#include "host/kernel/boot_parameters.h"
#include "host/kernel/kho/abi.h"
#include "host/kernel/kho/decode.h"
#include "host/kernel/kho/dram_value.h"
#include "host/kernel/luo/abi.h"
#include "host/kernel/luo/decode.h"
#include "host/kernel/luo/handlers/iommu_abi.h"
#include "host/kernel/pci/liveupdate_abi.h"
#include "pcie/error.h"

namespace holdover::bench {
namespace {

using namespace host::kernel;

// The KHO tree; nothing where none is handed over.
std::optional<PhysicalAddress> tree_of(std::span<const std::byte> dram, PhysicalAddress boot_parameters) {
  try {
    const std::uint64_t fdt = read_boot_parameters(dram, boot_parameters).kho_fdt;
    if (fdt != 0 && decode_kho(dram, PhysicalAddress{fdt})) return PhysicalAddress{fdt};
  } catch (const Error&) {  // a page that no kernel can be entered with
  }
  return std::nullopt;
}

// Where LuoSer lies.
std::optional<std::uint64_t> luo_of(std::span<const std::byte> dram, PhysicalAddress boot_parameters) {
  const auto fdt = tree_of(dram, boot_parameters);
  if (!fdt || !decode_live_update(dram, *fdt)) return std::nullopt;
  const auto tree = decode_kho(dram, *fdt);
  for (const KhoSubtree& subtree : tree->subtrees) {
    if (subtree.name == luo_abi::kSubtree) return subtree.data.raw();
  }
  return std::nullopt;
}

// Where the FlbSer with such a name lies.
template <typename IsName>
std::optional<std::uint64_t> flb_of(std::span<const std::byte> dram, PhysicalAddress boot_parameters, IsName is_name) {
  const auto luo = luo_of(dram, boot_parameters);
  if (!luo) return std::nullopt;
  const auto flbs = load<luo_abi::LuoSer>(dram, *luo).flbs;
  const auto names = decode_flbs(dram, PhysicalAddress{flbs});
  for (std::size_t index = 0; names && index < names->size(); ++index) {
    if (is_name((*names)[index].name)) return flbs + sizeof(luo_abi::FlbHeader) + index * sizeof(luo_abi::FlbSer);
  }
  return std::nullopt;
}

template <typename Field>
void add(std::span<std::byte> dram, std::uint64_t address, Field amount) {
  store(dram, address, static_cast<Field>(load<Field>(dram, address) + amount));
}

bool break_tree(std::span<std::byte> dram, PhysicalAddress boot_parameters) {
  const auto fdt = tree_of(dram, boot_parameters);
  if (fdt) add<std::uint32_t>(dram, fdt->raw(), 1);  // the magic number of an FDT
  return fdt.has_value();
}

bool change_luo_version(std::span<std::byte> dram, PhysicalAddress boot_parameters) {
  const auto luo = luo_of(dram, boot_parameters);
  if (luo) add<char>(dram, *luo + luo_abi::kCompatible.size() - 1, 1);
  return luo.has_value();
}

bool close_session_chain(std::span<std::byte> dram, PhysicalAddress boot_parameters) {
  const auto luo = luo_of(dram, boot_parameters);
  const std::uint64_t sessions = luo ? load<luo_abi::LuoSer>(dram, *luo).sessions : 0;
  if (sessions != 0) store(dram, sessions + offsetof(kho_abi::BlockHeader, next), sessions);
  return sessions != 0;
}

bool lose_pci_table(std::span<std::byte> dram, PhysicalAddress boot_parameters) {
  const auto flb = flb_of(dram, boot_parameters, is_pci_table);
  if (flb) store(dram, *flb + offsetof(luo_abi::FlbSer, data), std::uint64_t{dram.size()});
  return flb.has_value();
}

bool change_iommu_version(std::span<std::byte> dram, PhysicalAddress boot_parameters) {
  const auto flb = flb_of(dram, boot_parameters, [](std::string_view name) { return name == iommu_abi::kCompatible; });
  const std::uint64_t unit = flb ? load<luo_abi::FlbSer>(dram, *flb).data : 0;
  if (!in_dram(dram, PhysicalAddress{unit}, sizeof(iommu_abi::IommuSer))) return false;
  add<std::uint32_t>(dram, unit, 1);
  return true;
}

constexpr std::array kDamages{
    HandoverDamage{{"broken-kho", "the KHO tree loses its magic number on the way to the next kernel"}, break_tree},
    HandoverDamage{{"other-luo", "what LUO hands over bears another version when the next kernel finds it"},
                   change_luo_version},
    HandoverDamage{{"cyclic-sessions", "the chain of sessions leads back to itself when the next kernel finds it"},
                   close_session_chain},
    HandoverDamage{{"lost-pci-table", "the address of the table of PCI devices leads out of memory"}, lose_pci_table},
    HandoverDamage{{"other-iommu", "the state of the IOMMU bears another version when the next kernel finds it"},
                   change_iommu_version},
};

}  // namespace

std::span<const HandoverDamage> handover_damages() { return kDamages; }

}  // namespace holdover::bench
