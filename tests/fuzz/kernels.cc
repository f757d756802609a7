// SPDX-License-Identifier: MIT
#include "tests/fuzz/kernels.h"

#include "host/kernel/kho/fdt.h"
#include "tests/fuzz/target.h"

namespace holdover::fuzz {

using namespace host::kernel;

Damageable damageable(std::span<const std::byte> dram, PhysicalAddress fdt) {
  Damageable what;
  const auto tree = decode_kho(dram, fdt);
  require(tree.has_value(), "the handover of the generator is valid");
  what.pages = tree->structure;
  for (const PreservedFolio& folio : tree->folios) {
    if (folio.order == 0 && folio.address != fdt) what.pages.push_back(folio.address);
  }
  std::string why;
  what.radix_root = decode_fdt(dram.subspan(fdt.raw(), kPageSize.count()), why)->memory_map;
  return what;
}

void require_books(PageAllocator& pages, const Kho& kho) {
  std::uint64_t covered = 0;
  std::size_t folios = 0;
  for (std::uint64_t page = 0; page < pages.dram().size() / kPageSize.count(); ++page) {
    const PhysicalAddress address{page * kPageSize.count()};
    if (const auto order = kho.waiting_order(address)) {
      require(page >= covered, "no two folios overlap");
      covered = page + (std::uint64_t{1} << *order);
      ++folios;
    }
    require((pages.state(address) == PageState::Preserved) == (page < covered),
            "a page is Preserved as long as it waits to be restored");
  }
  require(folios == kho.unrestored(), "every folio that waits lies in DRAM");
}

}  // namespace holdover::fuzz
