// SPDX-License-Identifier: MIT
// Kexec Handover: the tree, chains of areas and of blocks, as the bench decodes them and as the next kernel takes them
// over.
#include "host/kernel/kho/kho.h"

#include <algorithm>

#include "host/kernel/kho/block_set.h"
#include "host/kernel/kho/dram_value.h"
#include "host/kernel/kho/vmalloc.h"
#include "tests/fuzz/kernels.h"
#include "tests/fuzz/target.h"

namespace holdover::fuzz {
namespace {

using namespace host::kernel;
using testing::Memory;

constexpr std::size_t kEntryBytes = 64;

// A valid handover: folios of several orders, two subtrees, an area of two chunks (or of larger folios), a set of three
// blocks.
struct Handed {
  explicit Handed(unsigned area_order = 2) : memory(area_order == 0 ? 4 * kSmallDram : kSmallDram) {
    SmallKernel first(memory);
    for (unsigned order = 0; order < 4; ++order) {
      PhysicalAddress folio;
      require(first.kho.alloc_preserve(Bytes{kPageSize.count() << order}, folio) == 0, "there is room");
      if (order < 2) require(first.kho.add_subtree(order == 0 ? "a" : "b", folio, kPageSize) == 0, "there is room");
    }
    VmallocArea made;
    made.order = area_order;
    for (unsigned count = 0; count < (area_order == 0 ? 520u : 9u); ++count) {
      made.folios.push_back(*first.pages->allocate(1u << area_order, PageState::Kernel, 1u << area_order));
    }
    require(preserve_vmalloc(first.kho, made, area) == 0, "there is room");
    BlockSet set(first.kho, kEntryBytes);
    require(set.resize(3 * kho_abi::block_capacity(kEntryBytes) - 5) == 0, "there is room");
    blocks = set.first();
    fdt = first.kho.fdt();
    what = damageable(memory.dram(), fdt);
    memory.jump(fdt);
  }
  // The pages of one structure instead of all.
  [[nodiscard]] Damageable only(std::vector<PhysicalAddress> pages) const {
    return {std::move(pages), what.radix_root};
  }

  Memory memory;
  kho_abi::VmallocSer area{};
  PhysicalAddress blocks;
  PhysicalAddress fdt;
  Damageable what;
};

}  // namespace

void run_kho(std::span<const std::uint8_t> input) {
  static const Handed kHanded;
  Memory memory = kHanded.memory;
  // The tree first: of 600 pages it is four.
  static const Damageable kWhat = kHanded.only({kHanded.what.pages.begin(), kHanded.what.pages.begin() + 16});
  damage(memory.dram(), kWhat, input);

  std::string why;
  const auto tree = decode_kho(memory.dram(), kHanded.fdt, &why);
  require(tree.has_value() == why.empty(), "a tree that cannot be read has a reason");
  require(decode_preserved_pages(memory.dram(), kHanded.fdt).has_value() == tree.has_value(), "two readers agree");
  if (tree) {
    for (const PhysicalAddress page : tree->structure) {
      require(in_dram(memory.dram(), page, kPageSize.count()) && page.raw() % kPageSize.count() == 0,
              "nodes are pages");
    }
    for (const PreservedFolio& folio : tree->folios) {
      const std::uint64_t bytes = kPageSize.count() << folio.order;
      require(in_dram(memory.dram(), folio.address, bytes) && folio.address.raw() % bytes == 0, "folios are aligned");
    }
    for (const KhoSubtree& subtree : tree->subtrees) {
      require(!subtree.well_formed || in_dram(memory.dram(), subtree.data, subtree.size.count()), "blobs lie in DRAM");
    }
  }

  SmallKernel next(memory);
  require(next.kho.enabled(), "KHO of the next kernel is on whatever came in");
  require(next.kho.is_kho_boot() || next.console.size() == 1, "a tree that is refused is said once");
  require(!next.kho.is_kho_boot() || (tree && next.kho.unrestored() == tree->folios.size()), "nothing but the tree");
  require_books(*next.pages, next.kho);
  if (!next.kho.is_kho_boot()) return;
  std::uint64_t pages = 0;
  for (const PreservedFolio& folio : tree->folios) pages += std::uint64_t{1} << folio.order;
  const std::uint64_t before = next.pages->free_pages();
  for (const PreservedFolio& folio : tree->folios) next.kho.restore_free(folio.address);
  require(next.kho.unrestored() == 0, "every folio can be restored");
  require(next.pages->free_pages() == before + pages, "every page is free again, and none of them twice");
  require_books(*next.pages, next.kho);
}

void run_vmalloc(std::span<const std::uint8_t> input) {
  static const Handed kSingle(0);
  static const Handed kLarge(2);
  const Handed& handed = variant_of(input, 2) == 0 ? kSingle : kLarge;
  Memory memory = handed.memory;
  const auto chain = decode_vmalloc(memory.dram(), handed.area);
  require(chain.has_value(), "the handover of the generator is valid");
  // The head travels in somebody's struct: here in the last of the subtrees' pages, which the edits reach as well.
  const PhysicalAddress head = handed.what.pages.back();
  store(memory.dram(), head.raw(), handed.area);
  std::vector<PhysicalAddress> pages = chain->chunks;
  pages.push_back(head);
  pages.push_back(chain->area.folios.front());
  damage(memory.dram(), handed.only(std::move(pages)), input);
  const auto damaged = load<kho_abi::VmallocSer>(memory.dram(), head.raw());

  const auto decoded = decode_vmalloc(memory.dram(), damaged);
  if (decoded) {
    require(decoded->area.size() / kPageSize == damaged.total_pages, "as many pages as the head says");
    for (const PhysicalAddress folio : decoded->area.folios) {
      require(in_dram(memory.dram(), folio, kPageSize.count() << damaged.order), "folios lie in DRAM");
    }
  }
  SmallKernel next(memory);
  const std::size_t before = next.kho.unrestored();
  const std::uint64_t free_before = next.pages->free_pages();
  const auto restored = restore_vmalloc(next.kho, damaged);
  require(!restored || decoded, "what cannot be decoded is not restored");
  if (!restored) {
    require(next.kho.unrestored() == before, "all or nothing");
  } else {
    require(next.kho.unrestored() == before - decoded->chunks.size() - restored->folios.size(), "each once");
    std::vector<std::byte> bytes(restored->size().count());
    read_vmalloc(*next.pages, *restored, 0, bytes);
    free_vmalloc(*next.pages, *restored);
    require(next.pages->free_pages() == free_before + decoded->chunks.size() + restored->size() / kPageSize,
            "every page is free again");
  }
  require_books(*next.pages, next.kho);
}

void run_block_set(std::span<const std::uint8_t> input) {
  static const Handed kHanded;
  Memory memory = kHanded.memory;
  const auto chain = decode_blocks(memory.dram(), kHanded.blocks, kEntryBytes);
  require(chain && chain->blocks.size() == 3, "the handover of the generator is valid");
  // Beside the blocks, pages of other owners: an entry can be made to point there. One of them is a folio of order 3.
  std::vector<PhysicalAddress> pages = chain->blocks;
  pages.push_back(kHanded.what.pages.back());
  const auto tree = decode_kho(memory.dram(), kHanded.fdt);
  for (const PreservedFolio& folio : tree->folios) {
    if (folio.order != 0) pages.push_back(folio.address);
  }
  damage(memory.dram(), kHanded.only(std::move(pages)), input);

  const auto decoded = decode_blocks(memory.dram(), kHanded.blocks, kEntryBytes);
  if (decoded) {
    require(decoded->blocks.size() <= kho_abi::kMaxBlocks && decoded->entries.size() >= decoded->blocks.size(),
            "no block is empty");
    for (const std::size_t entry : decoded->entries) {
      require(entry <= memory.dram().size() - kEntryBytes, "entries lie in DRAM");
    }
  }
  SmallKernel next(memory);
  const std::size_t before = next.kho.unrestored();
  auto restored = BlockSet::restore(next.kho, kHanded.blocks, kEntryBytes);
  require(!restored || decoded, "what cannot be decoded is not restored");
  if (!restored) {
    require(next.kho.unrestored() == before, "all or nothing");
  } else {
    require(restored->size() == decoded->entries.size(), "every entry is there");
    for (std::uint64_t index = 0; index < restored->size(); ++index) {
      const std::byte* const expected = memory.dram().data() + decoded->entries[index];
      require(restored->entry(index).data() == expected, "entries are found by their index");
    }
    restored->release();
    require(next.kho.unrestored() == before - decoded->blocks.size(), "each block once");
  }
  require_books(*next.pages, next.kho);
}

}  // namespace holdover::fuzz
