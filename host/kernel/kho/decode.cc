// SPDX-License-Identifier: MIT
#include "host/kernel/kho/decode.h"

#include <algorithm>
#include <bit>

#include "host/kernel/kho/abi.h"
#include "host/kernel/kho/dram_value.h"
#include "host/kernel/kho/fdt.h"

namespace holdover::host::kernel {
namespace {

using kho_abi::kPageBytes;

bool is_page(std::span<const std::byte> dram, std::uint64_t address) {
  return address % kPageBytes == 0 && in_dram(dram, PhysicalAddress{address}, kPageBytes);
}

// One walk over the radix tree. Each page is visited once, so that no content makes it long.
class Walk {
 public:
  Walk(std::span<const std::byte> dram, KhoTree& tree, std::string& why)
      : dram_(dram), tree_(tree), why_(why), visited_(dram.size() / kPageBytes) {}

  [[nodiscard]] bool visit(std::uint64_t page, unsigned level, std::uint64_t prefix) {
    if (!is_page(dram_, page)) return fail("a node of the radix tree lies outside DRAM");
    if (visited_[page / kPageBytes]) return fail("a page of the radix tree is used twice");
    visited_[page / kPageBytes] = true;
    tree_.structure.emplace_back(page);
    if (level == 0) return visit_leaf(page, prefix);
    for (std::uint64_t index = 0; index < (1u << kho_abi::kNodeBits); ++index) {
      const auto child = load<std::uint64_t>(dram_, page + 8 * index);
      if (child != 0 && !visit(child, level - 1, prefix << kho_abi::kNodeBits | index)) return false;
    }
    return true;
  }

 private:
  bool fail(const char* why) {
    why_ = why;
    return false;
  }

  bool visit_leaf(std::uint64_t page, std::uint64_t prefix) {
    for (std::uint64_t word = 0; word < kPageBytes / 8; ++word) {
      for (auto bits = load<std::uint64_t>(dram_, page + 8 * word); bits != 0; bits &= bits - 1) {
        const auto bit = 64 * word + static_cast<unsigned>(std::countr_zero(bits));
        if (!add((prefix << kho_abi::kLeafBits) | bit)) return fail("the radix tree names a folio that cannot exist");
      }
    }
    return true;
  }

  bool add(std::uint64_t key) {
    if (key == 0) return false;
    const unsigned top = 63 - static_cast<unsigned>(std::countl_zero(key));
    if (top > kho_abi::kOrder0Bit || kho_abi::kOrder0Bit - top > kho_abi::kMaxOrder) return false;
    const unsigned order = kho_abi::kOrder0Bit - top;
    const std::uint64_t index = key - (std::uint64_t{1} << top);
    // The shift cannot overflow: index has at most 52 - order bits.
    const PhysicalAddress address{index << (kho_abi::kPageShift + order)};
    if (!in_dram(dram_, address, kPageBytes << order)) return false;
    tree_.folios.push_back({address, order});
    return true;
  }

  std::span<const std::byte> dram_;
  KhoTree& tree_;
  std::string& why_;
  std::vector<bool> visited_;
};

}  // namespace

std::optional<KhoTree> decode_kho(std::span<const std::byte> dram, PhysicalAddress fdt, std::string* why) {
  std::string unused;
  std::string& reason = why != nullptr ? *why : unused;
  if (!is_page(dram, fdt.raw())) {
    reason = "the FDT is not a page of DRAM";
    return std::nullopt;
  }
  auto decoded = decode_fdt(dram.subspan(fdt.raw(), kPageBytes), reason);
  if (!decoded) return std::nullopt;
  KhoTree tree;
  tree.structure.push_back(fdt);
  if (!Walk(dram, tree, reason).visit(decoded->memory_map.raw(), kho_abi::kNodeLevels, 0)) return std::nullopt;
  std::sort(tree.folios.begin(), tree.folios.end(), [](const PreservedFolio& a, const PreservedFolio& b) {
    return a.order != b.order ? a.order < b.order : a.address < b.address;
  });
  for (KhoSubtree& subtree : decoded->subtrees) {
    subtree.well_formed = subtree.well_formed && in_dram(dram, subtree.data, subtree.size.count());
  }
  tree.subtrees = std::move(decoded->subtrees);
  return tree;
}

std::optional<std::vector<bool>> decode_preserved_pages(std::span<const std::byte> dram, PhysicalAddress fdt) {
  const auto tree = decode_kho(dram, fdt);
  if (!tree) return std::nullopt;
  std::vector<bool> preserved(dram.size() / kPageBytes);
  for (const PreservedFolio& folio : tree->folios) {
    for (std::uint64_t page = 0; page < (std::uint64_t{1} << folio.order); ++page) {
      preserved[folio.address.raw() / kPageBytes + page] = true;
    }
  }
  for (const PhysicalAddress page : tree->structure) preserved[page.raw() / kPageBytes] = true;
  return preserved;
}

std::optional<BlockChain> decode_blocks(std::span<const std::byte> dram, PhysicalAddress first,
                                        std::size_t entry_bytes) {
  BlockChain chain;
  std::vector<bool> visited(dram.size() / kPageBytes);
  for (std::uint64_t block = first.raw(); block != 0;) {
    if (!is_page(dram, block) || visited[block / kPageBytes] || chain.blocks.size() == kho_abi::kMaxBlocks) {
      return std::nullopt;
    }
    visited[block / kPageBytes] = true;
    const auto header = load<kho_abi::BlockHeader>(dram, block);
    if (header.count == 0 || header.count > kho_abi::block_capacity(entry_bytes)) return std::nullopt;
    chain.blocks.emplace_back(block);
    for (std::uint64_t index = 0; index < header.count; ++index) {
      chain.entries.push_back(block + sizeof(header) + index * entry_bytes);
    }
    block = header.next;
  }
  return chain;
}

}  // namespace holdover::host::kernel
