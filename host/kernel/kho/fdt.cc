// SPDX-License-Identifier: MIT
#include "host/kernel/kho/fdt.h"

#include <libfdt.h>

#include <cstring>

#include "pcie/error.h"

namespace holdover::host::kernel {
namespace {

// A u64 property (big endian); nothing where it is missing or of another size.
std::optional<std::uint64_t> read_u64(const FdtPage& page, int node, const char* name) {
  int length = 0;
  const void* value = fdt_getprop(page.data(), node, name, &length);
  if (value == nullptr || length != 8) return std::nullopt;
  fdt64_t raw = 0;
  std::memcpy(&raw, value, sizeof(raw));
  return fdt64_to_cpu(raw);
}

}  // namespace

std::optional<FdtPage> encode_fdt(PhysicalAddress memory_map, const std::vector<KhoSubtree>& subtrees) {
  FdtPage page{};
  bool fits = true;
  const auto written = [&fits](int result) {
    HOLDOVER_CHECK(result == 0 || result == -FDT_ERR_NOSPACE);
    fits = fits && result == 0;
    return fits;
  };
  void* fdt = page.data();
  const std::string compatible{kho_abi::kCompatible};
  bool done = written(fdt_create(fdt, static_cast<int>(page.size()))) && written(fdt_finish_reservemap(fdt)) &&
              written(fdt_begin_node(fdt, "")) &&
              written(fdt_property(fdt, "compatible", compatible.c_str(), static_cast<int>(compatible.size() + 1))) &&
              written(fdt_property_u64(fdt, kho_abi::kMemoryMapProperty, memory_map.raw()));
  for (const KhoSubtree& subtree : subtrees) {
    done = done && written(fdt_begin_node(fdt, subtree.name.c_str())) &&
           written(fdt_property_u64(fdt, kho_abi::kDataProperty, subtree.data.raw())) &&
           written(fdt_property_u64(fdt, kho_abi::kSizeProperty, subtree.size.count())) && written(fdt_end_node(fdt));
  }
  done = done && written(fdt_end_node(fdt)) && written(fdt_finish(fdt));
  if (!done) return std::nullopt;
  return page;
}

std::optional<DecodedFdt> decode_fdt(std::span<const std::byte> bytes, std::string& why) {
  FdtPage page{};
  if (bytes.size() != page.size()) {
    why = "the FDT is not one page";
    return std::nullopt;
  }
  // A copy: what is checked must be what is used, and devices may write to DRAM at any time.
  std::memcpy(page.data(), bytes.data(), page.size());
  if (fdt_check_full(page.data(), page.size()) != 0) {
    why = "the page is not a valid FDT";
    return std::nullopt;
  }
  if (fdt_node_check_compatible(page.data(), 0, std::string{kho_abi::kCompatible}.c_str()) != 0) {
    why = "the FDT is not compatible with kho-v4";
    return std::nullopt;
  }
  const auto memory_map = read_u64(page, 0, kho_abi::kMemoryMapProperty);
  if (!memory_map) {
    why = "the FDT has no preserved-memory-map";
    return std::nullopt;
  }
  DecodedFdt decoded{PhysicalAddress{*memory_map}, {}};
  for (int node = fdt_first_subnode(page.data(), 0); node >= 0; node = fdt_next_subnode(page.data(), node)) {
    int length = 0;
    const char* name = fdt_get_name(page.data(), node, &length);
    if (name == nullptr) continue;
    KhoSubtree subtree;
    subtree.name = name;
    const auto data = read_u64(page, node, kho_abi::kDataProperty);
    const auto size = read_u64(page, node, kho_abi::kSizeProperty);
    subtree.well_formed = data.has_value() && size.has_value();
    if (subtree.well_formed) {
      subtree.data = PhysicalAddress{*data};
      subtree.size = Bytes{*size};
    }
    decoded.subtrees.push_back(subtree);
  }
  return decoded;
}

}  // namespace holdover::host::kernel
